namespace Xkd.Model.Evaluation;

/// <summary>What scores [clips, classes] are worth: accuracy where a clip has one class, mean average precision where it may have several.</summary>
public sealed record ClipScores
{
    /// <summary><c>top1</c> or <c>map</c>.</summary>
    public required string Metric { get; init; }

    /// <summary>Percent.</summary>
    public required double Value { get; init; }

    /// <summary>Percent; null for several classes a clip.</summary>
    public double? Top5 { get; init; }

    /// <summary>Accuracy or average precision of each class that has clips, percent, by name.</summary>
    public required IReadOnlyDictionary<string, double> PerClass { get; init; }

    /// <summary>Null for several classes a clip.</summary>
    public ConfusionMatrix? Confusion { get; init; }

    /// <summary>Mean area under the ROC curve, d′ and the like, by name.</summary>
    public IReadOnlyDictionary<string, double> Further { get; init; } = new Dictionary<string, double>(StringComparer.Ordinal);

    /// <param name="scores">Row-major [clips, classes]: whatever orders the classes of a clip, and the clips of a class.</param>
    /// <param name="clips">The clips' labels.</param>
    /// <param name="released">The released evaluation's mean AUC: see <see cref="MultiLabelMetrics.Of"/>.</param>
    public static ClipScores Of(ReadOnlySpan<double> scores, FeatureSet clips, bool released = false) =>
        clips.LabelSets is { } sets ? Multi(scores, sets, clips.ClassNames, released) : Single(scores, clips.Labels, clips.ClassNames);

    /// <summary>One class a clip.</summary>
    public static ClipScores Single(ReadOnlySpan<double> scores, ReadOnlySpan<int> labels, IReadOnlyList<string> classes)
    {
        ConfusionMatrix confusion = new(classes.Count);
        for (int clip = 0; clip < labels.Length; clip++)
        {
            confusion.Add(labels[clip], TopK.Best(scores.Slice(clip * classes.Count, classes.Count)));
        }

        return Counted(confusion, TopK.Accuracy(scores, classes.Count, labels, 5), classes) with { Value = TopK.Accuracy(scores, classes.Count, labels, 1) };
    }

    /// <summary>One class a clip, of whose scores only counts were kept.</summary>
    public static ClipScores Counted(ConfusionMatrix confusion, double top5, IReadOnlyList<string> classes)
    {
        int[] actual = [.. Enumerable.Range(0, classes.Count).Select(confusion.Count)];
        return new ClipScores
        {
            Metric = "top1",
            Value = 100.0 * Enumerable.Range(0, classes.Count).Sum(c => confusion[c, c]) / Math.Max(1, actual.Sum()),
            Top5 = top5,
            PerClass = Enumerable.Range(0, classes.Count).Where(c => confusion.Accuracy(c) is not null).ToDictionary(c => classes[c], c => confusion.Accuracy(c)!.Value, StringComparer.Ordinal),
            Confusion = confusion,
        };
    }

    /// <summary>Any number of classes a clip.</summary>
    public static ClipScores Multi(ReadOnlySpan<double> scores, IReadOnlyList<int[]> labels, IReadOnlyList<string> classes, bool released = false)
    {
        float[] values = new float[scores.Length], targets = new float[scores.Length];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (float)scores[i];
        }

        for (int clip = 0; clip < labels.Count; clip++)
        {
            foreach (int c in labels[clip])
            {
                targets[(clip * classes.Count) + c] = 1;
            }
        }

        MultiLabelMetrics metrics = MultiLabelMetrics.Of(values, targets, classes.Count, released);
        HashSet<int> present = [.. labels.SelectMany(l => l)];
        Dictionary<string, double> further = new(StringComparer.Ordinal) { ["weighted_map"] = 100 * metrics.MeanWeightedAp, ["mean_auc"] = metrics.MeanAuc, ["d_prime"] = metrics.DPrime };
        return new ClipScores
        {
            Metric = "map",
            Value = 100 * metrics.MeanAp,
            PerClass = present.Order().ToDictionary(c => classes[c], c => 100 * metrics.AveragePrecisions[c], StringComparer.Ordinal),
            Further = further.Where(f => double.IsFinite(f.Value)).ToDictionary(StringComparer.Ordinal),
        };
    }
}
