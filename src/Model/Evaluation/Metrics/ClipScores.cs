using Xkd.Storage;

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

    /// <summary>One class a clip.</summary>
    /// <param name="scores">Row-major [clips, classes]: whatever orders the classes of a clip.</param>
    /// <param name="labels">[clips].</param>
    /// <param name="classes">Names by label.</param>
    public static ClipScores Single(ReadOnlySpan<double> scores, ReadOnlySpan<int> labels, IReadOnlyList<string> classes)
    {
        var confusion = new ConfusionMatrix(classes.Count);
        int right = 0, five = 0;
        for (var clip = 0; clip < labels.Length; clip++)
        {
            var row = scores.Slice(clip * classes.Count, classes.Count);
            confusion.Add(labels[clip], TopK.Best(row));
            right += TopK.Hit(row, labels[clip], 1) ? 1 : 0; // a score that is not a number is never right
            five += TopK.Hit(row, labels[clip], 5) ? 1 : 0;
        }

        return Counted(confusion, right, five, classes);
    }

    /// <summary>One class a clip, of whose scores only counts were kept.</summary>
    public static ClipScores Counted(ConfusionMatrix confusion, int right, int amongFive, IReadOnlyList<string> classes)
    {
        var total = Math.Max(1, Enumerable.Range(0, classes.Count).Sum(confusion.Count));
        return new ClipScores
        {
            Metric = "top1",
            Value = 100.0 * right / total,
            Top5 = 100.0 * amongFive / total,
            PerClass = Enumerable.Range(0, classes.Count)
                .Where(c => confusion.Accuracy(c) is not null)
                .ToDictionary(c => classes[c], c => confusion.Accuracy(c)!.Value, StringComparer.Ordinal),
            Confusion = confusion,
        };
    }

    /// <summary>Any number of classes a clip.</summary>
    /// <param name="scores">Row-major [clips, classes]: whatever orders the clips of a class.</param>
    /// <param name="labels">Classes of each clip.</param>
    /// <param name="classes">Names by label.</param>
    /// <param name="released">The released evaluation's mean AUC: see <see cref="MultiLabelMetrics.Of"/>.</param>
    public static ClipScores Multi(ReadOnlySpan<double> scores, IReadOnlyList<int[]> labels, IReadOnlyList<string> classes, bool released = false)
    {
        float[] values = Array.ConvertAll(scores.ToArray(), s => (float)s), targets = new float[scores.Length];
        foreach ((var clip, var own) in labels.Index())
        {
            Array.ForEach(own, c => targets[(clip * classes.Count) + c] = 1);
        }

        var metrics = MultiLabelMetrics.Of(values, targets, classes.Count, released);
        return new ClipScores
        {
            Metric = "map",
            Value = 100 * metrics.MeanAp,
            PerClass = labels.SelectMany(l => l).Distinct().Order()
                .ToDictionary(c => classes[c], c => 100 * metrics.AveragePrecisions[c], StringComparer.Ordinal),
            Further = new Dictionary<string, double>(StringComparer.Ordinal)
            {
                ["weighted_map"] = 100 * metrics.MeanWeightedAp, ["mean_auc"] = metrics.MeanAuc, ["d_prime"] = metrics.DPrime,
            }.Where(f => double.IsFinite(f.Value)).ToDictionary(StringComparer.Ordinal),
        };
    }
}

/// <summary>Counts of clips by true class (row) and predicted class (column).</summary>
public sealed class ConfusionMatrix(int classes)
{
    private readonly int[] _counts = new int[classes * classes];

    public int Classes => classes;

    /// <summary>Clips of class <paramref name="actual"/> that were taken for <paramref name="predicted"/>.</summary>
    public int this[int actual, int predicted] => _counts[(actual * classes) + predicted];

    public void Add(int actual, int predicted) => _counts[(actual * classes) + predicted]++;

    /// <summary>Clips of a class.</summary>
    public int Count(int actual) => _counts.AsSpan(actual * classes, classes).ToArray().Sum();

    /// <summary>Share of a class's clips that were recognised, in percent; null where the class has none.</summary>
    public double? Accuracy(int actual) => Count(actual) is > 0 and int count ? 100.0 * this[actual, actual] / count : null;

    /// <summary>Rows of counts, for a report.</summary>
    public int[][] ToRows() => [.. _counts.Chunk(classes)];
}

/// <summary>Top-k decisions over score rows [rows, classes].</summary>
public static class TopK
{
    /// <summary>
    /// Whether the class is among the k best of the row. Of equal scores the lower class index ranks first, so a row of equal scores is not counted as right
    /// for everyone. A score that is not a number is never right.
    /// </summary>
    public static bool Hit(ReadOnlySpan<double> row, int label, int k)
    {
        var ahead = double.IsNaN(row[label]) ? k : 0;
        for (var c = 0; c < row.Length; c++)
        {
            ahead += row[c] > row[label] || (row[c] == row[label] && c < label) ? 1 : 0;
        }

        return ahead < k;
    }

    /// <summary>Share of rows whose label is among the k best, in percent. k beyond the number of classes counts every row.</summary>
    /// <exception cref="UsageException">No rows, or shapes that do not fit.</exception>
    public static double Accuracy(ReadOnlySpan<double> scores, int classes, ReadOnlySpan<int> labels, int k)
    {
        if (labels.IsEmpty || scores.Length != (long)labels.Length * classes)
        {
            throw new UsageException($"accuracy: {scores.Length} scores for {labels.Length} rows of {classes} classes.");
        }

        var hits = 0;
        for (var row = 0; row < labels.Length; row++)
        {
            hits += Hit(scores.Slice(row * classes, classes), labels[row], k) ? 1 : 0;
        }

        return 100.0 * hits / labels.Length;
    }

    /// <summary>Index of the largest score; the first of equal ones.</summary>
    public static int Best(ReadOnlySpan<double> row)
    {
        var best = 0;
        for (var c = 1; c < row.Length; c++)
        {
            best = row[c] > row[best] ? c : best;
        }

        return best;
    }
}
