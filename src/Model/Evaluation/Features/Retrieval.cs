using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>What counts as found.</summary>
public enum RetrievalTarget
{
    /// <summary>The same clip in the other modality.</summary>
    SameClip,

    /// <summary>Any clip of the same class.</summary>
    SameClass,
}

/// <summary>Quality of one direction of retrieval.</summary>
/// <param name="Recall">Share of queries with a right clip among the first k, percent, by k.</param>
/// <param name="MedianRank">Median over queries of the best right clip's rank; 1 is best.</param>
/// <param name="Queries">Queries that had something to find.</param>
public sealed record RetrievalResult(IReadOnlyDictionary<int, double> Recall, double MedianRank, int Queries);

/// <summary>Retrieval by cosine similarity between two sets of features of one row a clip: within a modality, or from one to the other.</summary>
public static class Retrieval
{
    /// <param name="queries">What is searched with.</param>
    /// <param name="gallery">What is searched.</param>
    /// <param name="target">
    /// What counts as found. For the same clip, clips are matched by id. For the same class, what was cut from a query's own source is left out of the
    /// gallery: a clip is not its own answer, nor is another segment of it.
    /// </param>
    /// <param name="ks">Depths of the recall. Null means 1, 5, 10.</param>
    /// <exception cref="UsageException">Features of different lengths, or nothing to find.</exception>
    public static RetrievalResult Evaluate(FeatureSet queries, FeatureSet gallery, RetrievalTarget target, IReadOnlyList<int>? ks = null)
    {
        ks ??= [1, 5, 10];
        if (queries.Dim != gallery.Dim)
        {
            throw new UsageException(
                $"retrieval: query features have {queries.Dim} numbers and gallery features {gallery.Dim}; use projections into one space.");
        }

        float[] from = queries.UnitVectors(), to = gallery.UnitVectors();
        Func<string, string> named = target == RetrievalTarget.SameClip ? id => id : ClipSource.Of;
        (queries, gallery) = (queries with { Ids = [.. queries.Ids.Select(named)] }, gallery with { Ids = [.. gallery.Ids.Select(named)] });
        var ranks = new int[queries.Clips];
        Parallel.For(0, queries.Clips, clip => ranks[clip] = Rank(from.AsSpan(clip * queries.Dim, queries.Dim), clip, queries, gallery, to, target));
        int[] found = [.. ranks.Where(r => r > 0).Order()];
        if (found.Length == 0)
        {
            throw new UsageException(
                $"retrieval: no query has a {(target == RetrievalTarget.SameClip ? "clip with its id" : "clip of its class")} in the gallery.");
        }

        var median = (found[found.Length / 2] + found[(found.Length - 1) / 2]) / 2.0;
        return new RetrievalResult(ks.ToDictionary(k => k, k => 100.0 * found.Count(r => r <= k) / found.Length), median, found.Length);
    }

    /// <summary>The rows of <paramref name="gallery"/> that are nearest to a query, nearest first.</summary>
    public static IReadOnlyList<int> Nearest(FeatureSet queries, int query, FeatureSet gallery, int count)
    {
        float[] from = queries.UnitVectors(), to = gallery.UnitVectors();
        var vector = from.AsSpan(query * queries.Dim, queries.Dim);
        var similarity = new float[gallery.Clips];
        for (var other = 0; other < gallery.Clips; other++)
        {
            similarity[other] = VectorMath.Dot(vector, to.AsSpan(other * gallery.Dim, gallery.Dim));
        }

        return [.. Enumerable.Range(0, gallery.Clips).OrderByDescending(other => similarity[other]).Take(count)];
    }

    /// <summary>Rank of the best right clip, from 1; 0 when there is none. Wrong clips of the same similarity rank before it: ties are no merit.</summary>
    private static int Rank(ReadOnlySpan<float> query, int clip, FeatureSet queries, FeatureSet gallery, float[] to, RetrievalTarget target)
    {
        var similarity = new float[gallery.Clips];
        var best = float.NegativeInfinity;
        var any = false;
        for (var other = 0; other < gallery.Clips; other++)
        {
            similarity[other] = VectorMath.Dot(query, to.AsSpan(other * gallery.Dim, gallery.Dim));
            if (Right(other))
            {
                any = true;
                best = Math.Max(best, similarity[other]);
            }
        }

        var rank = any ? 1 : 0;
        for (var other = 0; other < gallery.Clips && any; other++)
        {
            var excluded = target == RetrievalTarget.SameClass && SameId(other);
            rank += !excluded && !Right(other) && similarity[other] >= best ? 1 : 0;
        }

        return rank;

        bool SameId(int other) => string.Equals(queries.Ids[clip], gallery.Ids[other], StringComparison.Ordinal);

        bool Right(int other) =>
            target == RetrievalTarget.SameClip ? SameId(other) : queries.Labels[clip] >= 0 && queries.Labels[clip] == gallery.Labels[other] && !SameId(other);
    }
}
