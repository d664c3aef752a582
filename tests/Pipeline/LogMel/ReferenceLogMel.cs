namespace Xkd.Pipeline.Tests;

/// <summary>The log-mel of the definition, term by term in float64: what the kernel is held against.</summary>
internal static class ReferenceLogMel
{
    public static double[] Compute(LogMelOptions options, ReadOnlySpan<float> samples)
    {
        int bins = options.NFft / 2 + 1;
        int frames = 1 + samples.Length / options.Hop;
        float[] bank = new MelFilterBank(options).ToMatrix();
        double[] cos = new double[options.NFft], sin = new double[options.NFft];
        for (int n = 0; n < options.NFft; n++)
        {
            (sin[n], cos[n]) = Math.SinCos(2 * Math.PI * n / options.NFft);
        }
        double[] result = new double[options.Mels * frames];
        double[] power = new double[bins];
        for (int frame = 0; frame < frames; frame++)
        {
            for (int k = 0; k < bins; k++)
            {
                double re = 0, im = 0;
                for (int n = 0; n < options.NFft; n++)
                {
                    double x = Mirrored(samples, frame * options.Hop - options.NFft / 2 + n) * (0.5 - 0.5 * cos[n]);
                    int phase = (int)((long)k * n % options.NFft);
                    re += x * cos[phase];
                    im -= x * sin[phase];
                }
                power[k] = re * re + im * im + options.PowerEpsilon;
            }
            for (int m = 0; m < options.Mels; m++)
            {
                double sum = 0;
                for (int k = 0; k < bins; k++)
                {
                    sum += bank[m * bins + k] * power[k];
                }
                result[m * frames + frame] = Math.Log(sum + options.LogEpsilon);
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
