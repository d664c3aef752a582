using System.Globalization;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>The clips of a cache that one side of an evaluation uses, with their classes as indices.</summary>
internal sealed record EvaluationSet
{
    public required Cache Cache { get; init; }

    /// <summary>Indices into the cache's clips, ascending.</summary>
    public required IReadOnlyList<int> Clips { get; init; }

    /// <summary>Names by class index; the same on both sides.</summary>
    public required IReadOnlyList<string> Classes { get; init; }

    /// <summary>Classes of each clip, of single-label sets one.</summary>
    public required IReadOnlyList<int[]> LabelSets { get; init; }

    /// <summary>A clip may have several classes.</summary>
    public required bool Multi { get; init; }

    /// <summary>How the clips came to be tested, where the caches do not say; else null.</summary>
    public string? Note { get; init; }

    public IReadOnlyList<string> Ids => [.. Clips.Select(c => Cache.Clips[c].Id)];

    /// <summary>The class of each clip; −1 in multi-label sets.</summary>
    public int[] Labels => [.. LabelSets.Select(l => Multi ? -1 : l[0])];

    /// <summary>Segments of one recording, which follow each other, with their scores.</summary>
    /// <param name="first">Position of the first.</param>
    /// <param name="scores">By class, of each.</param>
    public ClipPrediction Prediction(int first, IReadOnlyList<double[]> scores) =>
        ClipPrediction.Of([.. scores.Select((s, i) => (Cache.Clips[Clips[first + i]], s))]);

    /// <summary>The clips at those positions.</summary>
    public EvaluationSet Select(IReadOnlyList<int> positions) =>
        this with { Clips = [.. positions.Select(p => Clips[p])], LabelSets = [.. positions.Select(p => LabelSets[p])] };
}

/// <summary>Which clips are trained on and which are tested: by fold where the caches have folds, else by split, else by cache.</summary>
internal static class EvaluationSets
{
    private static readonly string[] TestSplits = ["test", "eval", "val"];

    /// <summary>The data set that a cache was ingested from, several joined by <c>+</c>; null where it does not say.</summary>
    public static string? DatasetOf(Cache cache) => cache.Manifest.Origins.Count == 0
        ? null
        : string.Join('+', cache.Manifest.Origins.Select(o => o.Dataset).Distinct(StringComparer.Ordinal));

    /// <summary>What must be said of a configuration that is another data set's; null where it is not.</summary>
    public static string? Foreign(string configuration, string dataset) => configuration == dataset || configuration == "folder"
        ? null
        : $"the configuration is that of {configuration}, the clips are of {dataset}";

    /// <summary>Fold numbers that the cache's clips are members of, ascending.</summary>
    public static IReadOnlyList<int> Folds(Cache cache) => [.. cache.Clips
        .SelectMany(c => c.Folds)
        .Select(f => int.Parse(f.AsSpan(0, f.IndexOf(':', StringComparison.Ordinal)), CultureInfo.InvariantCulture))
        .Distinct()
        .Order()];

    /// <summary>Both sides of an evaluation.</summary>
    /// <param name="train">The cache to fit on.</param>
    /// <param name="test">The cache to test on; the same one where it holds folds or splits.</param>
    /// <param name="config">Splits, label kind and limits.</param>
    /// <param name="fold">The fold, where there are any.</param>
    /// <exception cref="UsageException">No such fold or split, sides that share clips, clips without labels, or classes that only the test side
    /// has.</exception>
    public static (EvaluationSet Train, EvaluationSet Test) Resolve(Cache train, Cache test, EvaluationConfig config, int? fold)
    {
        var same = Path.GetFullPath(train.Path) == Path.GetFullPath(test.Path);
        var multi = config.Labels == LabelKind.Multi;
        var undivided = same && fold is null && config.Split.Test.Length == 0 && train.Clips.All(c => c.Split == train.Clips[0].Split);
        var (fit, judged) = undivided ? Draw(train, config, multi)
            : (Side(train, "train", fold, [config.Split.Train], same),
                Side(test, "test", fold, config.Split.Test.Length > 0 ? [config.Split.Test] : TestSplits, same));
        if (same && fit.Intersect(judged).FirstOrDefault(-1) is >= 0 and int both)
        {
            throw new UsageException(
                $"{train.Path}: clip {train.Clips[both].Id} would be trained on and tested; name two caches, or one that holds folds or splits");
        }

        Require(train, fit, multi);
        Require(test, judged, multi);
        string[] classes = Names(train, fit, multi), others = Names(test, judged, multi);
        string[] unknown = [.. others.Except(classes, StringComparer.Ordinal)];
        if (multi)
        {
            classes = [.. classes.Union(others, StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        }
        else if (unknown.Length > 0)
        {
            throw new UsageException(
                $"{test.Path}: classes {string.Join(", ", unknown.Take(5))} are not in the training clips of {train.Path}; evaluate on the same classes");
        }

        if (config.MaxClasses > 0)
        {
            classes = [.. classes.Take(config.MaxClasses)];
        }

        var a = Limit(Make(train, fit, classes, multi), config.MaxTrainClips, config.Seed);
        var b = Limit(Make(test, judged, classes, multi), config.MaxTestClips, config.Seed) with { Note = undivided ? DrawnNote(config) : null };
        return a.Clips.Count > 0 && b.Clips.Count > 0
            ? (a, b)
            : throw new UsageException(
                $"{a.Clips.Count} training clips in {train.Path} and {b.Clips.Count} test clips in {test.Path} are left; raise max_classes");
    }

    // A cache without folds and splits: of each class's recordings a share is tested; a class of one recording is trained on alone.
    private static (int[] Fit, int[] Judged) Draw(Cache cache, EvaluationConfig config, bool multi)
    {
        int[] clips = [.. Enumerable.Range(0, cache.Clips.Count)];
        Require(cache, clips, multi);
        var index = new ClassIndex([]);
        int[] labels = [.. clips.Select(c => index.Find(NamesOf(cache.Clips[c])[0], open: true)!.Value)];
        var (fit, judged) = SvmProbe.Split(labels, config.Split.HeldOut, (ulong)config.Seed, [.. cache.Clips.Select(c => ClipSource.Key(c.Id))]);
        return judged.Length > 0 ? (fit, judged) : throw new UsageException(
            $"{cache.Path} has no splits, and every class has a single recording, so none can be held out for the test; ingest more, or name two caches");
    }

    private static string DrawnNote(EvaluationConfig config) => string.Create(
        CultureInfo.InvariantCulture,
        $"the cache has no splits: {100 * config.Split.HeldOut:0.#} % of the recordings of each class, drawn by seed {config.Seed}, are tested, "
        + $"the others trained on");

    private static int[] Side(Cache cache, string side, int? fold, string[] splits, bool same)
    {
        var clips = cache.Clips;
        if (fold is int number)
        {
            var member = string.Create(CultureInfo.InvariantCulture, $"{number}:{side}");
            var inFold = Where(c => c.Folds.Contains(member, StringComparer.Ordinal));
            return inFold.Length > 0 ? inFold : throw new UsageException(
                $"{cache.Path} has no clips of fold {number}'s {side} side; its folds are {string.Join(", ", Folds(cache))}");
        }

        string[] held = [.. clips.Select(c => c.Split ?? string.Empty).Distinct(StringComparer.Ordinal)];
        var split = splits.FirstOrDefault(s => held.Contains(s, StringComparer.Ordinal));
        var one = held.Length == 1 && !same;
        return split is not null ? Where(c => c.Split == split)
            : one ? Where(_ => true)
            : throw new UsageException(
                $"{cache.Path} holds the splits {string.Join(", ", held.Select(h => h.Length == 0 ? "(none)" : h))}, not {string.Join(" or ", splits)}; "
                + $"write --set split.{side}=NAME, or name two caches");

        int[] Where(Func<ClipEntry, bool> isOf) => [.. Enumerable.Range(0, clips.Count).Where(i => isOf(clips[i]))];
    }

    private static void Require(Cache cache, int[] clips, bool multi)
    {
        int[] wrong = [.. clips.Where(c => NamesOf(cache.Clips[c]).Count is 0 || (!multi && NamesOf(cache.Clips[c]).Count > 1))];
        if (clips.Length == 0 || wrong.Length > 0)
        {
            throw new UsageException(clips.Length == 0
                ? $"{cache.Path} has no clips; ingest some"
                : $"{cache.Path}: {wrong.Length} of {clips.Length} clips have {(NamesOf(cache.Clips[wrong[0]]).Count == 0 ? "no label" : "several labels")}, "
                + $"the first is {cache.Clips[wrong[0]].Id}; "
                + (multi ? "an evaluation needs a labelled cache" : "an evaluation needs one label a clip (ROOT/<class>/<file>), or labels: multi"));
        }
    }

    private static IReadOnlyList<string> NamesOf(ClipEntry clip) => clip.Labels.Count > 0 ? clip.Labels : clip.Label is { } label ? [label] : [];

    private static string[] Names(Cache cache, int[] clips, bool multi) =>
        [.. clips.SelectMany(c => NamesOf(cache.Clips[c]).Take(multi ? int.MaxValue : 1)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    private static EvaluationSet Make(Cache cache, int[] clips, string[] classes, bool multi)
    {
        var index = classes.Index().ToDictionary(c => c.Item, c => c.Index, StringComparer.Ordinal);
        List<int> kept = [];
        List<int[]> labels = [];
        foreach (var clip in clips)
        {
            int[] known = [.. NamesOf(cache.Clips[clip]).Where(index.ContainsKey).Select(n => index[n]).Distinct()];
            if (known.Length > 0)
            {
                kept.Add(clip);
                labels.Add(known);
            }
        }

        return new EvaluationSet { Cache = cache, Clips = kept, Classes = classes, LabelSets = labels, Multi = multi };
    }

    // Of each class that many; of a multi-label set, which has no class to be fair to, as many as there would be.
    private static EvaluationSet Limit(EvaluationSet set, int perClass, long seed)
    {
        if (perClass == 0)
        {
            return set;
        }

        int[] drawn = [.. Enumerable.Range(0, set.Clips.Count)
            .OrderBy(p => new SampleRandom(new SampleKey((ulong)seed, 0, set.Clips[p]), SamplePurpose.Labels).NextUInt64())];
        var taken = set.Multi
            ? drawn.Take(perClass * set.Classes.Count)
            : drawn.GroupBy(p => set.LabelSets[p][0]).SelectMany(g => g.Take(perClass));
        return set.Select([.. taken.Order()]);
    }
}
