using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>
/// Dense evaluation: a clip is scored from several windows. Rows are clip-major, row = clip · windows + window.
/// Arithmetic is float32 as in the reference, so that scores which tie there tie here.
/// </summary>
public static class DenseScores
{
    /// <summary>Combines the windows of each clip; returns [clips, classes].</summary>
    /// <exception cref="UsageException">The scores are not whole clips.</exception>
    public static float[] Combine(ReadOnlySpan<float> scores, int windows, int classes, ClipEnsemble ensemble)
    {
        int clips = Clips(scores.Length, windows, classes);
        float[] combined = new float[clips * classes];
        for (int clip = 0; clip < clips; clip++)
        {
            for (int c = 0; c < classes; c++)
            {
                float value = scores[(clip * windows * classes) + c];
                for (int window = 1; window < windows; window++)
                {
                    float next = scores[(((clip * windows) + window) * classes) + c];
                    value = ensemble == ClipEnsemble.Max ? Math.Max(value, next) : value + next;
                }

                combined[(clip * classes) + c] = ensemble == ClipEnsemble.Mean ? value / windows : value;
            }
        }

        return combined;
    }

    /// <inheritdoc cref="Combine(ReadOnlySpan{float}, int, int, ClipEnsemble)"/>
    /// <remarks>The float64 form averages decision values of a linear SVM.</remarks>
    public static double[] Average(ReadOnlySpan<double> scores, int windows, int classes)
    {
        int clips = Clips(scores.Length, windows, classes);
        double[] means = new double[clips * classes];
        for (int i = 0; i < scores.Length; i++)
        {
            means[(i / (windows * classes) * classes) + (i % classes)] += scores[i] / windows;
        }

        return means;
    }

    /// <summary>Logistic function of each score: what the linear multi-label evaluation ensembles (fine-tuning ensembles raw logits).</summary>
    public static float[] Sigmoid(ReadOnlySpan<float> logits)
    {
        float[] result = new float[logits.Length];
        for (int i = 0; i < result.Length; i++)
        {
            result[i] = (float)(1 / (1 + Math.Exp(-logits[i])));
        }

        return result;
    }

    /// <summary>Softmax of each row.</summary>
    public static float[] Softmax(ReadOnlySpan<float> logits, int classes)
    {
        float[] result = new float[logits.Length];
        for (int start = 0; start < logits.Length; start += classes)
        {
            (double largest, double logSum) = LogSum(logits.Slice(start, classes));
            for (int c = start; c < start + classes; c++)
            {
                result[c] = (float)Math.Exp(logits[c] - largest - logSum);
            }
        }

        return result;
    }

    /// <summary>Mean cross-entropy over single windows, every window with its clip's label: the loss the test loop reports.</summary>
    public static double CrossEntropy(ReadOnlySpan<float> logits, ReadOnlySpan<int> labels, int windows, int classes)
    {
        if (labels.IsEmpty || labels.Length != Clips(logits.Length, windows, classes))
        {
            throw new UsageException($"evaluation: {labels.Length} labels for {logits.Length} logits of {windows} windows and {classes} classes.");
        }

        double total = 0;
        int rows = labels.Length * windows;
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<float> line = logits.Slice(row * classes, classes);
            (double largest, double logSum) = LogSum(line);
            total += largest + logSum - line[labels[row / windows]];
        }

        return total / rows;
    }

    private static (double Largest, double LogSum) LogSum(ReadOnlySpan<float> row)
    {
        double largest = double.NegativeInfinity, sum = 0;
        foreach (float value in row)
        {
            largest = Math.Max(largest, value);
        }

        foreach (float value in row)
        {
            sum += Math.Exp(value - largest);
        }

        return (largest, Math.Log(sum));
    }

    private static int Clips(int length, int windows, int classes) =>
        windows > 0 && classes > 0 && length % (windows * classes) == 0
            ? length / (windows * classes)
            : throw new UsageException($"evaluation: {length} scores are not whole clips of {windows} windows and {classes} classes.");
}
