namespace Xkd.Pipeline.Tests;

/// <summary>The log-mel of the definition, term by term in float64: what the kernel is held against.</summary>
internal static class ReferenceLogMel
{
    // Half a step of float32 at one: what one rounding costs at most.
    private const double Unit = 1.0 / (1 << 24);

    public static double[] Compute(LogMelOptions options, ReadOnlySpan<float> samples) => Compute(options, samples, out _);

    /// <param name="options">What to compute.</param>
    /// <param name="samples">The waveform.</param>
    /// <param name="errors">
    /// What float32 may cost each value, whatever the order and width of its operations. Each of the transform's log2(n) passes rounds a product and a sum,
    /// by 2^-24 of each at most. These errors are white noise: each bin, large or small, is off by e = 2 · log2(n) · 2^-24 · |windowed samples| (the
    /// Euclidean norm), and its power by 2e|X| + e². A filter adds a rounding a bin, the logarithm two steps of its own. For noise that is 5e-6.
    /// </param>
    public static double[] Compute(LogMelOptions options, ReadOnlySpan<float> samples, out double[] errors)
    {
        var bins = options.NFft / 2 + 1;
        var frames = 1 + samples.Length / options.Hop;
        var bank = new MelFilterBank(options).ToMatrix();
        double[] cos = new double[options.NFft], sin = new double[options.NFft];
        for (var n = 0; n < options.NFft; n++)
        {
            (sin[n], cos[n]) = Math.SinCos(2 * Math.PI * n / options.NFft);
        }
        var result = new double[options.Mels * frames];
        double[] power = new double[bins], powerError = new double[bins];
        errors = new double[result.Length];
        for (var frame = 0; frame < frames; frame++)
        {
            double energy = 0;
            for (var n = 0; n < options.NFft; n++)
            {
                var x = Mirrored(samples, frame * options.Hop - options.NFft / 2 + n) * (0.5 - 0.5 * cos[n]);
                energy += x * x;
            }
            var off = 2 * Math.Log2(options.NFft) * Unit * Math.Sqrt(energy);
            for (var k = 0; k < bins; k++)
            {
                double re = 0, im = 0;
                for (var n = 0; n < options.NFft; n++)
                {
                    var x = Mirrored(samples, frame * options.Hop - options.NFft / 2 + n) * (0.5 - 0.5 * cos[n]);
                    var phase = (int)((long)k * n % options.NFft);
                    re += x * cos[phase];
                    im -= x * sin[phase];
                }
                power[k] = re * re + im * im + options.PowerEpsilon;
                powerError[k] = off * (2 * Math.Sqrt(re * re + im * im) + off);
            }
            for (var m = 0; m < options.Mels; m++)
            {
                double sum = options.LogEpsilon, error = 0;
                var terms = 2;
                for (var k = 0; k < bins; k++)
                {
                    sum += bank[m * bins + k] * power[k];
                    error += bank[m * bins + k] * powerError[k];
                    terms += bank[m * bins + k] > 0 ? 1 : 0;
                }
                result[m * frames + frame] = Math.Log(sum);
                errors[m * frames + frame] = (error / sum) + (terms * Unit) + (4 * Unit * Math.Max(1, Math.Abs(Math.Log(sum))));
            }
        }
        return result;
    }

    // Walks step by step and turns at the ends, so that it shares no formula with the kernel.
    private static float Mirrored(ReadOnlySpan<float> samples, int at)
    {
        if (samples.Length == 1)
        {
            return samples[0];
        }
        while (at < 0 || at >= samples.Length)
        {
            at = at < 0 ? -at : 2 * (samples.Length - 1) - at;
        }
        return samples[at];
    }
}
