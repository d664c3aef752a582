using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>
/// The samples of an SVM problem, laid out once for every class and every C: float32 rows (features are float32, so nothing is lost and half the memory moves),
/// the constant bias feature appended, each row padded with zeros to whole vectors.
/// </summary>
internal sealed class SvmRows
{
    private SvmRows(float[] values, int count, int dim, int stride, double bias, double[] squaredNorms)
    {
        Values = values;
        Count = count;
        Dim = dim;
        Stride = stride;
        Bias = bias;
        SquaredNorms = squaredNorms;
    }

    public float[] Values { get; }

    public int Count { get; }

    public int Dim { get; }

    /// <summary>Floats from one row to the next; a multiple of <see cref="SvmKernels.Block"/>.</summary>
    public int Stride { get; }

    public double Bias { get; }

    /// <summary>|x|² of each row, bias feature included.</summary>
    public double[] SquaredNorms { get; }

    public static SvmRows Copy(ReadOnlySpan<float> vectors, int dim, double bias)
    {
        if (dim < 1 || vectors.Length % dim != 0)
        {
            throw new UsageException($"svm: {vectors.Length} feature values are not whole rows of {dim}.");
        }

        if (!double.IsFinite(bias))
        {
            throw new UsageException($"svm: intercept scaling = {bias} must be finite.");
        }

        var count = vectors.Length / dim;
        var stride = (dim + 1 + SvmKernels.Block - 1) / SvmKernels.Block * SvmKernels.Block;
        var values = new float[(long)count * stride];
        var norms = new double[count];
        for (var row = 0; row < count; row++)
        {
            var target = values.AsSpan(row * stride, stride);
            vectors.Slice(row * dim, dim).CopyTo(target);
            target[dim] = (float)bias;
            foreach (var value in target)
            {
                norms[row] += (double)value * value;
            }

            if (!double.IsFinite(norms[row]))
            {
                throw new UsageException($"svm: feature row {row} holds a value that is not finite; check the weights the features were taken with.");
            }
        }

        return new SvmRows(values, count, dim, stride, (float)bias, norms);
    }
}
