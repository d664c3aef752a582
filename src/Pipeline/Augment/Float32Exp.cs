namespace Xkd.Pipeline;

/// <summary>
/// Exponential and sum of small float32 vectors with the roundings of PyTorch's CPU kernels, where a result must agree to the
/// bit. The exponential is the usual reduction by ln 2 in two parts and a sixth-degree polynomial (coefficients of SLEEF's
/// <c>expf</c>, 1 ulp); the sum adds in PyTorch's order: four interleaved accumulators below eight values, else the tail first
/// and then eight lanes.
/// </summary>
internal static class Float32Exp
{
    public static float Of(float value)
    {
        if (value < -104f)
        {
            return 0;
        }
        var q = MathF.Round(value * 1.44269504088896340736f, MidpointRounding.ToEven);
        var s = MathF.FusedMultiplyAdd(q, -0.693145751953125f, value);
        s = MathF.FusedMultiplyAdd(q, -1.428606765330187045e-06f, s);
        var u = 0.000198527617612853646278381f;
        u = MathF.FusedMultiplyAdd(u, s, 0.00139304355252534151077271f);
        u = MathF.FusedMultiplyAdd(u, s, 0.00833336077630519866943359f);
        u = MathF.FusedMultiplyAdd(u, s, 0.0416664853692054748535156f);
        u = MathF.FusedMultiplyAdd(u, s, 0.166666671633720397949219f);
        u = MathF.FusedMultiplyAdd(u, s, 0.5f);
        return MathF.ScaleB(1f + MathF.FusedMultiplyAdd(s * s, u, s), (int)q);
    }

    public static float Sum(ReadOnlySpan<float> values)
    {
        var lanes = values.Length < 8 ? 4 : 8;
        var blocks = values.Length / lanes;
        Span<float> sums = stackalloc float[8];
        sums.Clear();
        for (var i = 0; i < blocks * lanes; i++)
        {
            sums[i % lanes] += values[i];
        }
        float total = 0;
        if (lanes == 8)
        {
            foreach (var tail in values[(blocks * lanes)..])
            {
                total += tail;
            }
            foreach (var lane in sums)
            {
                total += lane;
            }
            return total;
        }
        foreach (var tail in values[(blocks * lanes)..])
        {
            sums[0] += tail;
        }
        return sums[0] + sums[1] + sums[2] + sums[3];
    }
}
