using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>The rows an SVM is fitted on, of any number: all of them in memory, or a file's, a block of them at a time. Float32, as features are, each row padded with zeros to whole vectors.</summary>
internal abstract class SvmRows(int count, int dim)
{
    /// <summary>Blocks begin at multiples of it: the bits of that many rows are one word.</summary>
    public const int Tile = 64;

    public int Count { get; } = count;

    public int Dim { get; } = dim;

    /// <summary>Floats from one row to the next; a multiple of <see cref="SvmKernels.Block"/>.</summary>
    public int Stride { get; } = Padded(dim);

    public static int Padded(int length) => (length + SvmKernels.Block - 1) / SvmKernels.Block * SvmKernels.Block;

    /// <summary>All rows [count, stride] where they are in memory; null where they are not.</summary>
    public virtual float[]? Values => null;

    /// <summary>Gives every row once, in order: the first row's number, the number of rows, and their values [rows, stride], which are valid during the call.</summary>
    public abstract void ForEachBlock(Action<int, int, float[]> take, CancellationToken stop);

    /// <summary>Rows in memory, as one block.</summary>
    /// <exception cref="UsageException">Values that are not whole rows, or not finite.</exception>
    public static SvmRows Copy(ReadOnlySpan<float> vectors, int dim)
    {
        if (dim < 1 || vectors.Length % dim != 0)
        {
            throw new UsageException($"svm: {vectors.Length} feature values are not whole rows of {dim}.");
        }

        int count = vectors.Length / dim, stride = Padded(dim);
        float[] values = new float[(long)count * stride];
        for (int row = 0; row < count; row++)
        {
            ReadOnlySpan<float> from = vectors.Slice(row * dim, dim);
            if (from.ContainsAnyExceptInRange(float.MinValue, float.MaxValue))
            {
                throw new UsageException($"svm: feature row {row} holds a value that is not finite; check the weights the features were taken with.");
            }

            from.CopyTo(values.AsSpan(row * stride, dim));
        }

        return new Held(values, count, dim);
    }

    private sealed class Held(float[] values, int count, int dim) : SvmRows(count, dim)
    {
        public override float[] Values => values;

        public override void ForEachBlock(Action<int, int, float[]> take, CancellationToken stop)
        {
            stop.ThrowIfCancellationRequested();
            if (Count > 0)
            {
                take(0, Count, values);
            }
        }
    }
}
