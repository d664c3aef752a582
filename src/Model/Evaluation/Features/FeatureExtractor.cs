using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>Drives a frozen network over the windows of a data set, on the caller's thread. What a batch is and how the network runs stay the caller's.</summary>
public static class FeatureExtractor
{
    /// <param name="batches">Windows, in any order of clips.</param>
    /// <param name="network">Runs the network on one batch; the batch is disposed afterwards where it can be.</param>
    /// <param name="builder">Knows the clips, their labels and how many windows each has.</param>
    /// <param name="cancellation">Stops between batches.</param>
    /// <exception cref="UsageException">The features do not make whole clips.</exception>
    public static FeatureSet Run<TBatch>(
        IAsyncEnumerable<TBatch> batches, Func<TBatch, FeatureBatch> network, FeatureSetBuilder builder, CancellationToken cancellation = default)
    {
        foreach (TBatch batch in batches.ToBlockingEnumerable(cancellation))
        {
            using IDisposable? owned = batch as IDisposable;
            FeatureBatch features = network(batch);
            int rows = features.Clips.Count;
            if (rows == 0 || features.Vectors.Length % rows != 0)
            {
                throw new UsageException($"features: the network returned {features.Vectors.Length} values for {rows} windows.");
            }

            int dim = features.Vectors.Length / rows;
            for (int row = 0; row < rows; row++)
            {
                builder.Add(features.Clips[row], features.Vectors.Span.Slice(row * dim, dim));
            }
        }

        return builder.Build();
    }
}
