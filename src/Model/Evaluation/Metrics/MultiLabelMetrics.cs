using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>
/// Multi-label quality over [rows, classes] scores: average precision (the non-interpolated sum over distinct thresholds of (Rₙ − Rₙ₋₁) Pₙ), area under the ROC
/// curve, and d′. Classes without a positive are left out of every mean and listed with an average precision of 0.
/// </summary>
internal sealed record MultiLabelMetrics
{
    /// <summary>Mean average precision, 0 … 1.</summary>
    public required double MeanAp { get; init; }

    /// <summary>Average precisions weighted by the classes' number of positives.</summary>
    public required double MeanWeightedAp { get; init; }

    /// <summary>Mean area under the ROC curve, 0 … 1.</summary>
    public required double MeanAuc { get; init; }

    /// <summary>d′ = √2 Φ⁻¹(mean AUC), as AudioSet results state it; infinite for a perfect ranking.</summary>
    public double DPrime
    {
        get
        {
            using Tensor auc = tensor(MeanAuc, ScalarType.Float64), quantile = special.ndtri(auc);
            return Math.Sqrt(2) * quantile.item<double>();
        }
    }

    /// <summary>[classes]; 0 for a class without positives.</summary>
    public required double[] AveragePrecisions { get; init; }

    /// <summary>[classes]; NaN where a class has no positive or no negative.</summary>
    public required double[] Aucs { get; init; }

    /// <param name="scores">Row-major [rows, classes]; only their order within a class matters.</param>
    /// <param name="targets">Row-major [rows, classes], 0 or 1.</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="released">
    /// The released evaluation: one class that is positive everywhere makes the mean AUC 0 (its AUC is undefined and the error is swallowed). Otherwise, and
    /// by default, such a class is left out of the mean AUC.
    /// </param>
    /// <exception cref="UsageException">Shapes that do not fit, a score that is not a number, or no positive at all.</exception>
    public static MultiLabelMetrics Of(ReadOnlySpan<float> scores, ReadOnlySpan<float> targets, int classes, bool released = false)
    {
        if (classes < 1 || scores.Length != targets.Length || scores.Length % classes != 0)
        {
            throw new UsageException($"metrics: {scores.Length} scores and {targets.Length} targets are not rows of the same {classes} classes.");
        }

        var rows = scores.Length / classes;
        double[] precisions = new double[classes], aucs = new double[classes], positives = new double[classes];
        var column = new float[rows];
        var relevant = new bool[rows];
        for (var c = 0; c < classes; c++)
        {
            for (var row = 0; row < rows; row++)
            {
                column[row] = scores[(row * classes) + c];
                relevant[row] = targets[(row * classes) + c] > 0.5f;
                positives[c] += relevant[row] ? 1 : 0;
                if (float.IsNaN(column[row]))
                {
                    throw new UsageException($"metrics: the score of row {row}, class {c} is not a number.");
                }
            }

            (precisions[c], aucs[c]) = Ranking(column, relevant);
        }

        int[] present = [.. Enumerable.Range(0, classes).Where(c => positives[c] > 0)];
        if (present.Length == 0)
        {
            throw new UsageException("metrics: no row is positive for any class; check the labels of the evaluation cache.");
        }

        double[] defined = [.. present.Where(c => !double.IsNaN(aucs[c])).Select(c => aucs[c])];
        var swallowed = released && defined.Length < present.Length;
        return new MultiLabelMetrics
        {
            MeanAp = present.Average(c => precisions[c]),
            MeanWeightedAp = present.Sum(c => precisions[c] * positives[c]) / present.Sum(c => positives[c]),
            MeanAuc = swallowed || defined.Length == 0 ? 0 : defined.Average(),
            AveragePrecisions = precisions,
            Aucs = aucs,
        };
    }

    /// <summary>Walks the scores from the best down; rows of equal score enter together.</summary>
    private static (double Precision, double Auc) Ranking(float[] scores, bool[] relevant)
    {
        int[] order = [.. Enumerable.Range(0, scores.Length)];
        Array.Sort(order, (a, b) => scores[b].CompareTo(scores[a]));
        double positives = relevant.Count(r => r), negatives = scores.Length - positives;
        double hits = 0, misses = 0, precision = 0, ordered = 0;
        for (var i = 0; i < order.Length;)
        {
            double hitsHere = 0, missesHere = 0;
            for (var score = scores[order[i]]; i < order.Length && scores[order[i]] == score; i++)
            {
                hitsHere += relevant[order[i]] ? 1 : 0;
                missesHere += relevant[order[i]] ? 0 : 1;
            }

            // A pair of equal scores is half in order.
            ordered += hitsHere * (negatives - misses - (missesHere / 2));
            hits += hitsHere;
            misses += missesHere;
            precision += hitsHere * hits / (hits + misses);
        }

        return (positives > 0 ? precision / positives : 0, positives > 0 && negatives > 0 ? ordered / (positives * negatives) : double.NaN);
    }
}
