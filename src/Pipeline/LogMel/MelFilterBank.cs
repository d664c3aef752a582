using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// Triangular mel filters on the Slaney scale, each normalised to unit area (2 / width in hertz): the filters librosa calls
/// <c>htk=False, norm="slaney"</c>. Stored as what is not zero: for each band a first bin and its weights.
/// </summary>
public sealed class MelFilterBank
{
    // The Slaney scale is linear below 1 kHz (15 mels) and logarithmic above, 27 steps per factor 6.4.
    private const double HertzPerMel = 200.0 / 3;
    private const double LogStartHertz = 1000.0;
    private const double LogStartMel = LogStartHertz / HertzPerMel;
    private static readonly double LogStep = Math.Log(6.4) / 27;

    /// <exception cref="UsageException">No bands, or band edges outside 0 … half the sample rate.</exception>
    public MelFilterBank(LogMelOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        double nyquist = options.SampleRate / 2.0;
        double top = options.FMax ?? nyquist;
        if (options.Mels < 1)
        {
            throw new UsageException($"mels is {options.Mels}: at least one mel band is needed.");
        }
        if (!(options.FMin >= 0 && options.FMin < top && top <= nyquist))
        {
            throw new UsageException($"mel bands from {options.FMin} to {top} Hz do not fit {options.SampleRate} Hz audio: choose 0 <= fmin < fmax <= {nyquist}.");
        }
        Bins = 1 + options.NFft / 2;
        double low = ToMel(options.FMin), high = ToMel(top);
        double[] edges = new double[options.Mels + 2];
        for (int i = 0; i < edges.Length; i++)
        {
            edges[i] = ToHertz(low + (high - low) * i / (edges.Length - 1));
        }
        FirstBin = new int[options.Mels];
        Weights = new float[options.Mels][];
        var band = new List<float>();
        for (int m = 0; m < options.Mels; m++)
        {
            band.Clear();
            FirstBin[m] = Bins;
            double area = 2 / (edges[m + 2] - edges[m]);
            for (int bin = 0; bin < Bins; bin++)
            {
                double hertz = nyquist * bin / (Bins - 1);
                double rising = (hertz - edges[m]) / (edges[m + 1] - edges[m]);
                double falling = (edges[m + 2] - hertz) / (edges[m + 2] - edges[m + 1]);
                // Rounded to float before and after the area, as the reference's float32 matrix is.
                float weight = (float)((float)Math.Max(0, Math.Min(rising, falling)) * area);
                if (weight > 0)
                {
                    FirstBin[m] = Math.Min(FirstBin[m], bin);
                    band.Add(weight);
                }
            }
            Weights[m] = [.. band];
        }
    }

    /// <summary>Frequency bins of one frame: 1 + n_fft / 2.</summary>
    public int Bins { get; }

    /// <summary>Bands.</summary>
    public int Mels => Weights.Length;

    /// <summary>First bin each band listens to ([mels]; <see cref="Bins"/> for a band narrower than one bin, which hears nothing).</summary>
    internal int[] FirstBin { get; }

    /// <summary>Weights of each band from its first bin on ([mels][·]).</summary>
    internal float[][] Weights { get; }

    /// <summary>The bank as a full matrix, [mels, bins] row-major.</summary>
    public float[] ToMatrix()
    {
        float[] matrix = new float[Mels * Bins];
        for (int m = 0; m < Mels; m++)
        {
            Weights[m].CopyTo(matrix.AsSpan(m * Bins + Math.Min(FirstBin[m], Bins - Weights[m].Length)));
        }
        return matrix;
    }

    private static double ToMel(double hertz) =>
        hertz < LogStartHertz ? hertz / HertzPerMel : LogStartMel + Math.Log(hertz / LogStartHertz) / LogStep;

    private static double ToHertz(double mel) =>
        mel < LogStartMel ? mel * HertzPerMel : LogStartHertz * Math.Exp(LogStep * (mel - LogStartMel));
}
