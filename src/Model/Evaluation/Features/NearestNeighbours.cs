using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>Classification of a clip by the training clips whose features are nearest in cosine similarity (weighted votes, Wu et al., CVPR 2018). Windows are averaged first.</summary>
public static class NearestNeighbours
{
    /// <returns>Votes, row-major [test clips, classes]; each row sums to 1.</returns>
    /// <exception cref="UsageException">Features of different lengths, or no training clips.</exception>
    public static double[] Classify(FeatureSet train, FeatureSet test, NeighbourOptions? options = null)
    {
        options ??= new NeighbourOptions();
        if (train.Dim != test.Dim || train.Clips == 0 || options.K < 1 || options.Temperature is not > 0)
        {
            throw new UsageException($"neighbours: {train.Clips} training clips of {train.Dim} features, test features of {test.Dim}, k {options.K}, temperature {options.Temperature}.");
        }

        float[] gallery = Unit(train), queries = Unit(test);
        int classes = train.ClassNames.Count, k = Math.Min(options.K, train.Clips);
        double[] votes = new double[test.Clips * classes];
        Parallel.For(0, test.Clips, clip =>
        {
            float[] similarity = new float[train.Clips];
            int[] order = new int[train.Clips];
            for (int other = 0; other < train.Clips; other++)
            {
                similarity[other] = -VectorMath.Dot(queries.AsSpan(clip * test.Dim, test.Dim), gallery.AsSpan(other * test.Dim, test.Dim));
                order[other] = other;
            }

            Array.Sort(similarity, order);
            Span<double> row = votes.AsSpan(clip * classes, classes);
            double total = 0;
            for (int n = 0; n < k; n++)
            {
                if (train.Labels[order[n]] >= 0)
                {
                    // Relative to the nearest, which keeps the exponential in range at any temperature.
                    double weight = Math.Exp((similarity[0] - similarity[n]) / options.Temperature);
                    row[train.Labels[order[n]]] += weight;
                    total += weight;
                }
            }

            for (int c = 0; c < classes && total > 0; c++)
            {
                row[c] /= total;
            }
        });
        return votes;
    }

    /// <summary>One unit-length row per clip.</summary>
    internal static float[] Unit(FeatureSet set)
    {
        float[] vectors = set.Pooled().Vectors;
        VectorMath.NormaliseRows(vectors, set.Dim);
        return vectors;
    }
}
