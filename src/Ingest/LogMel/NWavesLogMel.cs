using System.Collections.Concurrent;
using NWaves.Filters.Fda;
using NWaves.Transforms;
using Xkd.Pipeline;

namespace Xkd.Ingest;

/// <summary>
/// The log-mel by NWaves: its real Fourier transform and its Slaney bank, framed as the reference does (periodic Hann, reflected edges), which its own
/// extractor is not. Thread-safe.
/// </summary>
internal sealed class NWavesLogMel : ILogMel
{
    private readonly float[][] _bank;
    private readonly float[] _hann;
    private readonly ConcurrentBag<Scratch> _scratch = [];

    public NWavesLogMel(LogMelOptions options)
    {
        Options = options;
        _bank = FilterBanks.MelBankSlaney(options.Mels, options.NFft, options.SampleRate, options.FMin, options.FMax ?? options.SampleRate / 2.0, normalizeGain: true);
        _hann = [.. Enumerable.Range(0, options.NFft).Select(i => (float)(0.5 - (0.5 * Math.Cos(2 * Math.PI * i / options.NFft))))];
    }

    public LogMelOptions Options { get; }

    public int Frames(int samples) => samples <= 0 ? 0 : 1 + (samples / Options.Hop);

    public void Compute(ReadOnlySpan<float> samples, Span<float> melMajor)
    {
        var frames = Frames(samples.Length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(melMajor.Length, frames * Options.Mels);
        var scratch = _scratch.TryTake(out var free) ? free : new Scratch(Options);
        for (var frame = 0; frame < frames; frame++)
        {
            Cut(samples, (frame * Options.Hop) - (Options.NFft / 2), scratch.Window);
            scratch.Transform.PowerSpectrum(scratch.Window, scratch.Power, normalize: false);
            for (var bin = 0; bin < scratch.Power.Length; bin++)
            {
                scratch.Power[bin] += (float)Options.PowerEpsilon;
            }

            FilterBanks.Apply(_bank, scratch.Power, scratch.Bands);
            for (var band = 0; band < scratch.Bands.Length; band++)
            {
                melMajor[(band * frames) + frame] = MathF.Log(scratch.Bands[band] + (float)Options.LogEpsilon);
            }
        }

        _scratch.Add(scratch);
    }

    // The waveform is continued by mirroring at its first and last sample, as often as it takes; one lone sample is held.
    private void Cut(ReadOnlySpan<float> samples, int from, float[] window)
    {
        var period = Math.Max(1, 2 * (samples.Length - 1));
        for (var i = 0; i < window.Length; i++)
        {
            var at = (((from + i) % period) + period) % period;
            window[i] = samples[at < samples.Length ? at : period - at] * _hann[i];
        }
    }

    private sealed class Scratch(LogMelOptions options)
    {
        public RealFft Transform { get; } = new(options.NFft);

        public float[] Window { get; } = new float[options.NFft];

        public float[] Power { get; } = new float[(options.NFft / 2) + 1];

        public float[] Bands { get; } = new float[options.Mels];
    }
}
