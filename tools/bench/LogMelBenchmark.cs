using BenchmarkDotNet.Attributes;
using Xkd.Pipeline;

namespace Xkd.Bench;

/// <summary>Four seconds of audio to log-mel, one thread. The peer is <c>peers/logmel_torchaudio.py</c>; audio-seconds per second = 4 / mean.</summary>
[MemoryDiagnoser]
public class LogMelBenchmark
{
    private readonly SimdLogMel _kernel = new(new LogMelOptions());
    private readonly float[] _samples = new float[64000];
    private readonly float[] _mel = new float[80 * 448];

    [GlobalSetup]
    public void Fill()
    {
        var random = new Random(1);
        for (var i = 0; i < _samples.Length; i++)
        {
            _samples[i] = (float)(random.NextDouble() - 0.5) * 0.2f;
        }
    }

    [Benchmark]
    public void FourSeconds() => _kernel.Compute(_samples, _mel);
}
