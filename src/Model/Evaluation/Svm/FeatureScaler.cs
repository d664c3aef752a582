using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>What is subtracted from each feature and what it is multiplied by, learnt from training rows.</summary>
internal sealed class FeatureScaler
{
    // Spacing of float32 numbers relative to their size.
    private const double FloatSpacing = 1.0 / (1 << 23);

    private FeatureScaler(double[] mean, double[] scale) => (Mean, Scale) = (mean, scale);

    public double[] Mean { get; }

    public double[] Scale { get; }

    /// <summary>Leaves features as they are.</summary>
    public static FeatureScaler None(int dim) => new(new double[dim], [.. Enumerable.Repeat(1.0, dim)]);

    /// <summary>Mean 0 and deviation 1 over the rows used; what is constant in float32 becomes 0.</summary>
    public static FeatureScaler Standardise(RowBlocks rows, SvmTargets targets, CancellationToken stop)
    {
        using var scope = NewDisposeScope();
        using var plain = new SvmRows(rows, None(rows.Dim), bias: 1);
        Tensor? origin = null;
        Tensor sums = zeros([rows.Dim], ScalarType.Float64), squares = zeros_like(sums);
        plain.ForEach((first, x) =>
        {
            // Sums of differences from one row: what is far from zero keeps its digits.
            var features = x.narrow(1, 0, rows.Dim); // [rows, dim]
            origin ??= features[0].clone().MoveToOuterDisposeScope();
            var from = (features - origin).mul_(targets.Weights(first, (int)x.shape[0]));
            sums.AddInPlace(from.sum(0L));
            squares.AddInPlace(from.Square().sum(0L));
        }, stop);
        var shift = sums.Div(targets.UsedRows);
        var (mean, variance) = (origin!.Add(shift), squares.Div(targets.UsedRows) - shift.Square());

        // A feature whose deviation is what rounding to float32 makes of a constant says nothing.
        var scale = where(variance.gt(mean.Mul(FloatSpacing).Square()), variance.rsqrt(), zeros_like(variance));
        return new FeatureScaler(mean.data<double>().ToArray(), scale.data<double>().ToArray());
    }
}
