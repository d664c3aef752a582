using System.Numerics;
using NWaves.Filters.Fda;
using NWaves.Transforms;
using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// The log-mel by NWaves: its real Fourier transform on the same filters, framed as the reference does (periodic Hann, reflected edges), which its own
/// extractor is not. Thread-safe.
/// </summary>
internal sealed class NWavesLogMel : ILogMel
{
    private readonly MelFilterBank _bank;
    private readonly float[] _hann;
    private readonly ScratchPool<Scratch> _scratch;

    /// <exception cref="UsageException">An option outside its range.</exception>
    public NWavesLogMel(LogMelOptions options)
    {
        Options = options;
        _bank = new MelFilterBank(options);
        if (!BitOperations.IsPow2(options.NFft))
        {
            throw new UsageException($"n_fft is {options.NFft}: NWaves transforms powers of two only; take 1024, or --mel simd.");
        }

        _hann = [.. Enumerable.Range(0, options.NFft).Select(i => (float)(0.5 - (0.5 * Math.Cos(2 * Math.PI * i / options.NFft))))];
        _scratch = new ScratchPool<Scratch>(() => new Scratch(options));
    }

    public LogMelOptions Options { get; }

    public int Frames(int samples) => samples <= 0 ? 0 : 1 + (samples / Options.Hop);

    public void Compute(ReadOnlySpan<float> samples, Span<float> melMajor)
    {
        var frames = Frames(samples.Length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(melMajor.Length, frames * Options.Mels);
        var scratch = _scratch.Rent();
        for (var frame = 0; frame < frames; frame++)
        {
            Cut(samples, (frame * Options.Hop) - (Options.NFft / 2), scratch.Window);
            scratch.Transform.PowerSpectrum(scratch.Window, scratch.Power, normalize: false);
            for (var bin = 0; bin < scratch.Power.Length; bin++)
            {
                scratch.Power[bin] += (float)Options.PowerEpsilon;
            }

            FilterBanks.Apply(_bank.Rows, scratch.Power, scratch.Bands);
            for (var band = 0; band < scratch.Bands.Length; band++)
            {
                melMajor[(band * frames) + frame] = MathF.Log(scratch.Bands[band] + (float)Options.LogEpsilon);
            }
        }

        _scratch.Return(scratch);
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
