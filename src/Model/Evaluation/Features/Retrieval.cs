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
/// <param name="Chance">What <paramref name="Recall"/> would be in the mean if the gallery were in random order, percent, by k.</param>
public sealed record RetrievalResult(IReadOnlyDictionary<int, double> Recall, double MedianRank, int Queries, IReadOnlyDictionary<int, double> Chance);

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
        var ranks = new Found[queries.Clips];
        Parallel.For(0, queries.Clips, clip => ranks[clip] = Rank(from.AsSpan(clip * queries.Dim, queries.Dim), clip, queries, gallery, to, target));
        Found[] found = [.. ranks.Where(found => found.Rank > 0).OrderBy(found => found.Rank)];
        if (found.Length == 0)
        {
            throw new UsageException(
                $"retrieval: no query has a {(target == RetrievalTarget.SameClip ? "clip with its id" : "clip of its class")} in the gallery.");
        }

        var median = (found[found.Length / 2].Rank + found[(found.Length - 1) / 2].Rank) / 2.0;
        return new RetrievalResult(
            ks.ToDictionary(k => k, k => 100.0 * found.Count(one => one.Rank <= k) / found.Length), median, found.Length,
            ks.ToDictionary(k => k, k => 100 * found.Average(one => one.Chance(k))));
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

    /// <summary>Where the best right clip is. Wrong clips of the same similarity rank before it: ties are no merit.</summary>
    private static Found Rank(ReadOnlySpan<float> query, int clip, FeatureSet queries, FeatureSet gallery, float[] to, RetrievalTarget target)
    {
        var similarity = new float[gallery.Clips];
        var best = float.NegativeInfinity;
        var right = 0;
        for (var other = 0; other < gallery.Clips; other++)
        {
            similarity[other] = VectorMath.Dot(query, to.AsSpan(other * gallery.Dim, gallery.Dim));
            if (Right(other))
            {
                right++;
                best = Math.Max(best, similarity[other]);
            }
        }

        int rank = right > 0 ? 1 : 0, wrong = 0;
        for (var other = 0; other < gallery.Clips && right > 0; other++)
        {
            var excluded = target == RetrievalTarget.SameClass && SameId(other);
            var isWrong = !excluded && !Right(other);
            wrong += isWrong ? 1 : 0;
            rank += isWrong && similarity[other] >= best ? 1 : 0;
        }

        return new Found(rank, right, wrong);

        bool SameId(int other) => string.Equals(queries.Ids[clip], gallery.Ids[other], StringComparison.Ordinal);

        bool Right(int other) =>
            target == RetrievalTarget.SameClip ? SameId(other) : queries.Labels[clip] >= 0 && queries.Labels[clip] == gallery.Labels[other] && !SameId(other);
    }

    /// <param name="Rank">Of the best right clip, from 1; 0 when there is none.</param>
    /// <param name="Right">Clips of the gallery that are right.</param>
    /// <param name="Wrong">Clips that are not.</param>
    private readonly record struct Found(int Rank, int Right, int Wrong)
    {
        // That not all of the first k of a random order are wrong.
        public double Chance(int k)
        {
            var missed = 1.0;
            for (var i = 0; i < k; i++)
            {
                missed *= Math.Max(0, Wrong - i) / (double)Math.Max(1, Right + Wrong - i);
            }

            return 1 - missed;
        }
    }
}
