using System.Text.Json;
using Xkd.Pipeline;

namespace Xkd.Conformance.Topics;

/// <summary>Waveform to log-mel, the filter bank, waveform preparation and volume.</summary>
internal sealed class AudioFrontendTopic : IGoldenTopic
{
    public IReadOnlyCollection<string> Topics { get; } = ["audio_frontend"];

    public void Run(GoldenCase golden, GoldenCheck check)
    {
        JsonElement config = golden.Config;
        var options = new LogMelOptions
        {
            SampleRate = config.GetProperty("sample_rate").GetInt32(),
            NFft = config.GetProperty("n_fft").GetInt32(),
            Hop = config.GetProperty("hop_length").GetInt32(),
            Mels = config.GetProperty("n_mels").GetInt32(),
            FMin = config.GetProperty("fmin").GetDouble(),
            FMax = config.GetProperty("fmax") is { ValueKind: JsonValueKind.Number } top ? top.GetDouble() : null,
            PowerEpsilon = config.GetProperty("power_eps").GetDouble(),
            LogEpsilon = config.GetProperty("log_eps").GetDouble(),
        };
        var kernel = new SimdLogMel(options);
        float mean = config.GetProperty("mean").GetSingle(), std = config.GetProperty("std").GetSingle();
        check.Close("out/mel_filterbank", kernel.Filters.ToMatrix(), [options.Mels, kernel.Filters.Bins]);
        foreach (string input in golden.TensorNames.Where(name => name.StartsWith("in/", StringComparison.Ordinal)))
        {
            string result = "out" + input[2..];
            if (golden.Has(result + "/normalized"))
            {
                Spectrogram(golden, check, kernel, input, result, mean, std);
            }
            else if (input.StartsWith("in/prep", StringComparison.Ordinal))
            {
                JsonElement prep = config.GetProperty("prep");
                float[] mono = new float[Waveform.Samples(prep.GetProperty("duration").GetDouble(), prep.GetProperty("sample_rate").GetInt32())];
                check.Equal("prepared samples", mono.Length, prep.GetProperty("samples").GetInt32());
                Waveform.Prepare(golden.Floats(input), (int)golden.Shape(input)[0], mono);
                check.Close(result, mono, [1, mono.Length]);
            }
            else
            {
                float[] samples = golden.Floats(input);
                Waveform.Scale(samples, golden.Scalar("voljitter_factor"));
                check.Close(result, samples);
                check.Scalar("voljitter_factor", golden.Scalar("voljitter_factor"));
            }
        }
        foreach (JsonElement seconds in config.GetProperty("durations_s").EnumerateArray())
        {
            string name = $"frames_{seconds}s";
            check.Scalar(name, kernel.Frames(Waveform.Samples(seconds.GetDouble(), options.SampleRate)));
        }
    }

    private static void Spectrogram(GoldenCase golden, GoldenCheck check, SimdLogMel kernel, string input, string result, float mean, float std)
    {
        float[] samples = golden.Floats(input);
        int frames = kernel.Frames(samples.Length);
        long[] shape = [1, kernel.Options.Mels, frames];
        float[] mel = new float[kernel.Options.Mels * frames];
        kernel.Compute(samples, mel);
        if (golden.Has(result + "/logmel"))
        {
            check.Close(result + "/logmel", mel, shape);
        }
        for (int i = 0; i < mel.Length; i++)
        {
            mel[i] = (mel[i] - mean) / std;
        }
        check.Close(result + "/normalized", mel, shape);
    }
}
