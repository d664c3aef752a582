using NWaves.Filters.Fda;
using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// Triangular mel filters on the Slaney scale, each normalised to unit area (2 / width in hertz): the filters librosa calls
/// <c>htk=False, norm="slaney"</c>, made by NWaves.
/// </summary>
public sealed class MelFilterBank
{
    /// <exception cref="UsageException">No bands, a frame of an odd number of samples, or band edges outside 0 … half the sample rate.</exception>
    public MelFilterBank(LogMelOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var nyquist = options.SampleRate / 2.0;
        var top = options.FMax ?? nyquist;
        if (options.Mels < 1)
        {
            throw new UsageException($"mels is {options.Mels}: at least one mel band is needed.");
        }
        // Beyond its last bin NWaves reads past the end; the last bin of an odd frame lies below half the sample rate.
        if (options.NFft < 2 || options.NFft % 2 != 0)
        {
            throw new UsageException($"n_fft is {options.NFft}: it must be an even number of samples, such as 1024.");
        }
        if (!(options.FMin >= 0 && options.FMin < top && top <= nyquist))
        {
            throw new UsageException($"mel bands from {options.FMin} to {top} Hz do not fit {options.SampleRate} Hz audio: choose 0 <= fmin < fmax <= {nyquist}.");
        }
        Rows = FilterBanks.MelBankSlaney(options.Mels, options.NFft, options.SampleRate, options.FMin, top, normalizeGain: true);
        Bins = 1 + options.NFft / 2;
    }

    /// <summary>Frequency bins of one frame: 1 + n_fft / 2.</summary>
    public int Bins { get; }

    /// <summary>Bands.</summary>
    public int Mels => Rows.Length;

    /// <summary>Weights of each band, [mels][bins]; a band narrower than one bin hears nothing.</summary>
    internal float[][] Rows { get; }

    /// <summary>The bank as a full matrix, [mels, bins] row-major.</summary>
    public float[] ToMatrix() => [.. Rows.SelectMany(row => row)];
}
