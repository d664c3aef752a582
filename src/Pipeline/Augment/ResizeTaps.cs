namespace Xkd.Pipeline;

/// <summary>
/// The fixed-point weights of Pillow's antialiased bilinear resize along one axis (its <c>precompute_coeffs</c> and
/// <c>normalize_coeffs_8bpc</c>): a triangle whose support grows with the reduction, weights rounded to 22 fractional bits.
/// Zero weights at either end are dropped, which changes no sum.
/// </summary>
internal sealed class ResizeTaps
{
    /// <summary>Fractional bits of a weight.</summary>
    public const int FractionBits = 22;
    private double[] _real = [];

    /// <summary>First source index of each output.</summary>
    public int[] First { get; private set; } = [];

    /// <summary>Number of weights of each output.</summary>
    public int[] Count { get; private set; } = [];

    /// <summary>Weights, [outputs, <see cref="Stride"/>].</summary>
    public int[] Weights { get; private set; } = [];

    /// <summary>Weights laid out per output.</summary>
    public int Stride { get; private set; }

    /// <summary>The largest <see cref="Count"/>.</summary>
    public int MaxCount { get; private set; }

    /// <param name="input">Source length.</param>
    /// <param name="output">Target length.</param>
    public void Prepare(int input, int output)
    {
        var scale = (double)input / output;
        var support = Math.Max(scale, 1.0);
        Stride = (int)Math.Ceiling(support) * 2 + 1;
        if (First.Length < output)
        {
            First = new int[output];
            Count = new int[output];
        }
        if (Weights.Length < output * Stride)
        {
            Weights = new int[output * Stride];
        }
        if (_real.Length < Stride)
        {
            _real = new double[Stride];
        }
        MaxCount = 1;
        for (var i = 0; i < output; i++)
        {
            PrepareOne(i, (i + 0.5) * scale, support, input);
            MaxCount = Math.Max(MaxCount, Count[i]);
        }
    }

    private void PrepareOne(int i, double center, double support, int input)
    {
        var first = Math.Max((int)(center - support + 0.5), 0);
        var count = Math.Min((int)(center + support + 0.5), input) - first;
        double sum = 0, inverse = 1 / support;
        for (var k = 0; k < count; k++)
        {
            var distance = Math.Abs((k + first - center + 0.5) * inverse);
            _real[k] = distance < 1 ? 1 - distance : 0;
            sum += _real[k];
        }
        var weights = Weights.AsSpan(i * Stride, Stride);
        weights.Clear();
        var kept = 0;
        for (var k = 0; k < count; k++)
        {
            var weight = sum == 0 ? _real[k] : _real[k] / sum;
            var fixedPoint = (int)(0.5 + weight * (1 << FractionBits));
            if (fixedPoint == 0 && kept == 0 && k < count - 1)
            {
                first++;
                continue;
            }
            weights[kept++] = fixedPoint;
        }
        while (kept > 1 && weights[kept - 1] == 0)
        {
            kept--;
        }
        First[i] = first;
        Count[i] = kept;
    }
}
