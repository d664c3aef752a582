using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>Top-k decisions over score rows [rows, classes].</summary>
public static class TopK
{
    /// <summary>
    /// Whether the class is among the k best of the row. Of equal scores the lower class index ranks first, so a row of equal scores is not counted as right for everyone.
    /// A score that is not a number is never right.
    /// </summary>
    public static bool Hit(ReadOnlySpan<double> row, int label, int k)
    {
        if (double.IsNaN(row[label]))
        {
            return false;
        }

        int ahead = 0;
        for (int c = 0; c < row.Length; c++)
        {
            if (row[c] > row[label] || (row[c] == row[label] && c < label))
            {
                ahead++;
            }
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

        int hits = 0;
        for (int row = 0; row < labels.Length; row++)
        {
            hits += Hit(scores.Slice(row * classes, classes), labels[row], k) ? 1 : 0;
        }

        return 100.0 * hits / labels.Length;
    }

    /// <summary>Index of the largest score; the first of equal ones.</summary>
    public static int Best(ReadOnlySpan<double> row)
    {
        int best = 0;
        for (int c = 1; c < row.Length; c++)
        {
            best = row[c] > row[best] ? c : best;
        }

        return best;
    }
}
