namespace Xkd.Model.Evaluation;

/// <summary>Counts of clips by true class (row) and predicted class (column).</summary>
public sealed class ConfusionMatrix
{
    private readonly int[] _counts;

    public ConfusionMatrix(int classes)
    {
        Classes = classes;
        _counts = new int[classes * classes];
    }

    public int Classes { get; }

    /// <summary>Clips of class <paramref name="actual"/> that were taken for <paramref name="predicted"/>.</summary>
    public int this[int actual, int predicted] => _counts[(actual * Classes) + predicted];

    public void Add(int actual, int predicted) => _counts[(actual * Classes) + predicted]++;

    /// <summary>Clips of a class.</summary>
    public int Count(int actual) => _counts.AsSpan(actual * Classes, Classes).ToArray().Sum();

    /// <summary>Share of a class's clips that were recognised, in percent; null where the class has none.</summary>
    public double? Accuracy(int actual) => Count(actual) is > 0 and int count ? 100.0 * this[actual, actual] / count : null;

    /// <summary>Rows of counts, for a report.</summary>
    public int[][] ToRows() => [.. Enumerable.Range(0, Classes).Select(row => _counts.AsSpan(row * Classes, Classes).ToArray())];
}
