using System.Diagnostics;
using System.Globalization;
using TorchSharp;
using Xkd.Model.Torch;
using Xkd.Pipeline;
using static TorchSharp.torch;
using static Xkd.Pipeline.Samples;

namespace Xkd.Bench;

/// <summary>
/// Four seconds of audio to log-mel in one thread: the project's kernel, TorchSharp (stft and the filter bank as a matrix product) and torchaudio
/// (<c>peers/logmel_torchaudio.py</c>), which take turns; medians of each round's ratios are compared.
/// </summary>
internal static class LogMelComparison
{
    private const int Repeats = 40;
    private const double Seconds = 4;

    /// <param name="rounds">Turns of each side.</param>
    /// <param name="peers">Folder of the peer scripts; null leaves torchaudio out.</param>
    /// <param name="python">The interpreter that has torchaudio, with OpenBLAS.</param>
    /// <param name="output">Receives the lines of the comparison.</param>
    public static async Task<int> RunAsync(int rounds, string? peers, string python, TextWriter output)
    {
        LibTorch.Load();
        set_num_threads(1);
        SimdLogMel kernel = new(new LogMelOptions());
        float[] samples = new float[(int)(Seconds * kernel.Options.SampleRate)], mel = new float[kernel.Options.Mels * kernel.Frames(samples.Length)];
        Random random = new(1);
        for (var i = 0; i < samples.Length; i++)
        {
            samples[i] = (float)(random.NextDouble() - 0.5) * 0.2f;
        }

        using var scope = NewDisposeScope();
        Tensor wave = tensor(samples), window = hann_window(kernel.Options.NFft, periodic: true);
        Tensor filters = tensor(kernel.Filters.ToMatrix()).reshape(kernel.Options.Mels, kernel.Filters.Bins), epsilon = tensor((float)kernel.Options.LogEpsilon);
        using var frozen = no_grad();
        kernel.Compute(samples, mel);
        double gap = Torch(kernel.Options, wave, window, filters, epsilon).sub(tensor(mel).reshape(kernel.Options.Mels, -1)).abs().max().item<float>();
        List<double> ours = [], torchs = [], audios = [];
        for (var round = -1; round < rounds; round++)
        {
            var mine = Rate(() => kernel.Compute(samples, mel));
            var torch = Rate(() =>
            {
                using var step = NewDisposeScope();
                Torch(kernel.Options, wave, window, filters, epsilon);
            });
            double? audio = peers is null ? null : await TorchAudioAsync(python, peers);
            if (round >= 0)
            {
                ours.Add(mine);
                torchs.Add(torch);
                audios.AddRange(audio is { } rate ? [rate] : []);
                await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"round {round + 1}: kernel {mine:f0}, TorchSharp {torch:f0}{(audio is { } a ? $", torchaudio {a:f0}" : "")} audio-seconds a second"));
            }
        }

        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"kernel {Median(ours):f0} audio-seconds a second; {Median(ours.Zip(torchs, (o, t) => o / t)):f1} times TorchSharp ({Median(torchs):f0}), which differs by {gap:e1} at most"));
        if (audios.Count > 0)
        {
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{Median(ours.Zip(audios, (o, t) => o / t)):f1} times torchaudio ({Median(audios):f0})"));
        }

        return 0;
    }

    private static Tensor Torch(LogMelOptions options, Tensor wave, Tensor window, Tensor filters, Tensor epsilon)
    {
        var spectrum = stft(wave, options.NFft, hop_length: options.Hop, window: window, center: true, pad_mode: PaddingModes.Reflect, return_complex: true); // [bins, frames]
#pragma warning disable RS0030 // as it is written in PyTorch
        return filters.matmul(spectrum.abs().square()).add(epsilon).log(); // [mels, frames]
#pragma warning restore RS0030
    }

    private static double Rate(Action once)
    {
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < Repeats; i++)
        {
            once();
        }

        return Repeats * Seconds / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static async Task<double> TorchAudioAsync(string python, string peers)
    {
        var root = await PeerScript.RunAsync(python, Path.Combine(peers, "logmel_torchaudio.py"), "torchaudio", "5");
        return root.GetProperty("audio_seconds_per_second").GetDouble();
    }
}
