using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>
/// Learning rate per optimizer step of linear evaluation and fine-tuning. Each starts with a warm-up of <c>warmupEpochs · stepsPerEpoch</c> steps that rises
/// linearly and includes both ends, so the base value stands twice in a row where the rest begins with it.
/// </summary>
public static class EvaluationSchedules
{
    /// <summary>
    /// After the warm-up half a cosine from <paramref name="baseValue"/> towards <paramref name="finalValue"/>, which is never quite reached.
    /// </summary>
    public static double[] WarmupCosine(int epochs, int stepsPerEpoch, int warmupEpochs, double warmupValue, double baseValue, double finalValue)
    {
        (double[] values, int start) = Warmup(epochs, stepsPerEpoch, warmupEpochs, warmupValue, baseValue);
        for (int step = start; step < values.Length; step++)
        {
            double phase = Math.PI * (step - start) / (values.Length - start);
            values[step] = finalValue + (0.5 * (baseValue - finalValue) * (1 + Math.Cos(phase)));
        }

        return values;
    }

    /// <summary>
    /// After the warm-up the value is multiplied by <paramref name="gamma"/> at the first step of each milestone epoch. A milestone inside the warm-up is
    /// ignored for good.
    /// </summary>
    public static double[] WarmupMultiStep(
        int epochs, int stepsPerEpoch, int warmupEpochs, double warmupValue, double baseValue, IReadOnlyCollection<int> milestones, double gamma)
    {
        (double[] values, int start) = Warmup(epochs, stepsPerEpoch, warmupEpochs, warmupValue, baseValue);
        double value = baseValue;
        for (int step = start; step < values.Length; step++)
        {
            value *= step % stepsPerEpoch == 0 && milestones.Contains(step / stepsPerEpoch) ? gamma : 1;
            values[step] = value;
        }

        return values;
    }

    /// <summary>After the warm-up the base value.</summary>
    public static double[] WarmupFixed(int epochs, int stepsPerEpoch, int warmupEpochs, double warmupValue, double baseValue)
    {
        (double[] values, int start) = Warmup(epochs, stepsPerEpoch, warmupEpochs, warmupValue, baseValue);
        values.AsSpan(start).Fill(baseValue);
        return values;
    }

    /// <summary>The configurations' plain <c>fixed</c>: the base value from the first step on.</summary>
    public static double[] Fixed(int epochs, int stepsPerEpoch, double baseValue) => WarmupFixed(epochs, stepsPerEpoch, 0, 0, baseValue);

    private static (double[] Values, int Start) Warmup(int epochs, int stepsPerEpoch, int warmupEpochs, double warmupValue, double baseValue)
    {
        if (epochs < 1 || stepsPerEpoch < 1 || warmupEpochs < 0 || warmupEpochs > epochs)
        {
            throw new UsageException(
                $"schedule: {epochs} epochs of {stepsPerEpoch} steps with {warmupEpochs} warm-up epochs; the warm-up cannot outlast the run.");
        }

        var values = new double[epochs * stepsPerEpoch];
        int start = warmupEpochs * stepsPerEpoch;
        for (int step = 0; step < start; step++)
        {
            values[step] = start == 1 ? warmupValue : warmupValue + (step * ((baseValue - warmupValue) / (start - 1)));
        }

        if (start > 1)
        {
            values[start - 1] = baseValue;
        }

        return (values, start);
    }
}
