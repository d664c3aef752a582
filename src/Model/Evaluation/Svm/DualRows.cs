namespace Xkd.Model.Evaluation;

/// <summary>The rows that are fitted on, scaled, with their bias feature, padded to whole vectors: what coordinate descent visits one by one.</summary>
internal sealed class DualRows
{
    private DualRows(int[] places, int stride)
    {
        (Places, Stride) = (places, stride);
        Values = new float[(long)Count * stride];
        SquaredNorms = new double[Count];
    }

    /// <summary>Number of each row among all.</summary>
    public int[] Places { get; }

    public int Count => Places.Length;

    public int Stride { get; }

    public float[] Values { get; }

    /// <summary>|x|² of each row, bias feature included.</summary>
    public double[] SquaredNorms { get; }

    public static DualRows Of(SvmRows rows, float[] values, bool[]? used, FeatureScaler scaler, double bias)
    {
        DualRows dual = new([.. Enumerable.Range(0, rows.Count).Where(i => used is null || used[i])], SvmRows.Padded(rows.Dim + 1));
        Parallel.For(0, dual.Count, row =>
        {
            ReadOnlySpan<float> from = values.AsSpan(dual.Places[row] * rows.Stride, rows.Dim);
            Span<float> to = dual.Values.AsSpan(row * dual.Stride, dual.Stride);
            double norm = bias * bias;
            for (int d = 0; d < from.Length; d++)
            {
                to[d] = (float)((from[d] - scaler.Mean[d]) * scaler.Scale[d]);
                norm += (double)to[d] * to[d];
            }

            to[rows.Dim] = (float)bias;
            dual.SquaredNorms[row] = norm;
        });
        return dual;
    }

    /// <summary>+1 for the rows of a class, −1 for the others.</summary>
    public sbyte[] Signs(SvmTargets targets, int positive) => [.. Places.Select(place => (sbyte)targets.Sign(place, positive))];
}
