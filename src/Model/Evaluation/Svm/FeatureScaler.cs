using System.Runtime.Intrinsics;

namespace Xkd.Model.Evaluation;

/// <summary>
/// What is subtracted from each feature and what it is multiplied by, learnt from training rows. It is applied to weights, not to rows: a row is read as it is
/// stored, and what is fitted fits rows as they are stored.
/// </summary>
internal sealed unsafe class FeatureScaler
{
    private const int Slices = 8;

    // Spacing of float32 numbers relative to their size.
    private const double FloatSpacing = 1.0 / (1 << 23);

    private FeatureScaler(double[] mean, double[] scale) => (Mean, Scale) = (mean, scale);

    public double[] Mean { get; }

    public double[] Scale { get; }

    /// <summary>Leaves features as they are.</summary>
    public static FeatureScaler None(int dim) => new(new double[dim], [.. Enumerable.Repeat(1.0, dim)]);

    /// <summary>Mean 0 and deviation 1 over the rows used; what is constant in float32 becomes 0.</summary>
    public static FeatureScaler Standardise(RowBlocks rows, bool[]? used, CancellationToken stop)
    {
        // Sums of differences from one row: what is far from zero keeps its digits.
        double[] origin = new double[rows.Stride], sums = new double[rows.Stride], squares = new double[rows.Stride];
        long count = 0;
        rows.ForEachBlock((first, taken, values) =>
        {
            int[] kept = [.. Enumerable.Range(0, taken).Where(i => used is null || used[first + i])];
            for (int d = 0; d < rows.Dim && count == 0 && kept.Length > 0; d++)
            {
                origin[d] = values[(kept[0] * rows.Stride) + d];
            }

            count += kept.Length;
            int vectors = rows.Stride / 4;
            Parallel.For(0, Slices, slice =>
            {
                int from = vectors * slice / Slices * 4, to = vectors * (slice + 1) / Slices * 4;
                fixed (float* x = values)
                fixed (double* o = origin, s = sums, q = squares)
                {
                    foreach (int row in kept)
                    {
                        float* at = x + ((nint)row * rows.Stride);
                        for (int d = from; d < to; d += 4)
                        {
                            Vector256<double> v = SvmKernels.Widen(at + d) - Vector256.Load(o + d);
                            (Vector256.Load(s + d) + v).Store(s + d);
                            Vector256.FusedMultiplyAdd(v, v, Vector256.Load(q + d)).Store(q + d);
                        }
                    }
                }
            });
        }, stop);
        double[] mean = new double[rows.Dim], scale = new double[rows.Dim];
        for (int d = 0; d < rows.Dim && count > 0; d++)
        {
            double shift = sums[d] / count, variance = (squares[d] / count) - (shift * shift), rounding = FloatSpacing * (origin[d] + shift);
            mean[d] = origin[d] + shift;

            // A feature whose deviation is what rounding to float32 makes of a constant says nothing.
            scale[d] = variance > rounding * rounding ? 1 / Math.Sqrt(variance) : 0;
        }

        return new FeatureScaler(mean, scale);
    }
}
