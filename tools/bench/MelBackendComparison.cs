using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Xkd.Model.Weights;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Bench;

/// <summary>
/// Every log-mel backend on the waveforms of the golden case <c>audio_frontend</c>: how far each is from
/// the reference's float32 log-mel and from the kernel, and how fast. More than 1e-3 from the kernel is a failure.
/// </summary>
internal static class MelBackendComparison
{
    private const double Tolerance = 1e-3;
    private const double Mean = -5.3688107, Std = 4.410007;

    /// <param name="golden">Folder of the golden cases.</param>
    /// <param name="output">Receives the lines of the comparison.</param>
    public static int Run(string golden, TextWriter output)
    {
        LogMelOptions options = new();
        using var file = SafetensorsFile.Open(Path.Combine(golden, "audio_frontend.safetensors"));
        SimdLogMel kernel = new(options);
        double worst = 0;
        foreach (var name in MelBackends.Names)
        {
            var backend = MelBackends.Create(name, options);
            foreach (var wave in file.Entries.Keys.Where(key => key.StartsWith("in/", StringComparison.Ordinal) && file.Entries.ContainsKey($"out{key[2..]}/normalized")).Order(StringComparer.Ordinal))
            {
                float[] samples = Floats(file, wave), mel = Compute(backend, samples), own = Compute(kernel, samples);
                double[] reference = [.. Floats(file, $"out{wave[2..]}/normalized").Select(value => (value * Std) + Mean)];
                var toKernel = mel.Zip(own, (a, b) => Math.Abs((double)a - b)).Max();
                worst = Math.Max(worst, toKernel);
                output.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{name} {wave[3..]}: {mel.Length} values, at most {mel.Zip(reference, (a, b) => Math.Abs(a - b)).Max():e1} from the reference, {toKernel:e1} from the kernel"));
            }

            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {Rate(backend):f0} audio-seconds a second at best, one thread"));
        }

        return worst <= Tolerance ? 0 : throw new FailureException($"a backend is {worst:e1} from the kernel, more than {Tolerance}");
    }

    private static float[] Floats(SafetensorsFile file, string name) => MemoryMarshal.Cast<byte, float>(file.Bytes(name)).ToArray();

    private static float[] Compute(ILogMel backend, float[] samples)
    {
        var mel = new float[backend.Options.Mels * backend.Frames(samples.Length)];
        backend.Compute(samples, mel);
        return mel;
    }

    private static double Rate(ILogMel backend)
    {
        float[] samples = new float[64_000], mel = new float[backend.Options.Mels * backend.Frames(samples.Length)];
        double best = 0;
        for (var round = 0; round < 12; round++)
        {
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < 10; i++)
            {
                backend.Compute(samples, mel);
            }

            best = Math.Max(best, 10 * 4 / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }
}
