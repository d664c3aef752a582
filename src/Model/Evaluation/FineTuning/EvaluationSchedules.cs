using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>
/// Learning rate per optimizer step of linear evaluation and fine-tuning. Each starts with a warm-up of <c>warmupEpochs · stepsPerEpoch</c> steps that rises
/// linearly and includes both ends, so the base value stands twice in a row where the rest begins with it.
/// </summary>
internal static class EvaluationSchedules
{
    /// <summary>
    /// After the warm-up half a cosine from <paramref name="baseValue"/> towards <paramref name="finalValue"/>, which is never quite reached.
    /// </summary>
    public static double[] WarmupCosine(int epochs, int stepsPerEpoch, int warmupEpochs, double warmupValue, double baseValue, double finalValue) =>
        Warmup(epochs, stepsPerEpoch, warmupEpochs, warmupValue, baseValue, (_, step, start, end) =>
            finalValue + (0.5 * (baseValue - finalValue) * (1 + Math.Cos(Math.PI * (step - start) / (end - start)))));

    /// <summary>
    /// After the warm-up the value is multiplied by <paramref name="gamma"/> at the first step of each milestone epoch. A milestone inside the warm-up is
    /// ignored for good.
    /// </summary>
    public static double[] WarmupMultiStep(
        int epochs, int stepsPerEpoch, int warmupEpochs, double warmupValue, double baseValue, IReadOnlyCollection<int> milestones, double gamma) =>
        Warmup(epochs, stepsPerEpoch, warmupEpochs, warmupValue, baseValue, (before, step, _, _) =>
            before * (step % stepsPerEpoch == 0 && milestones.Contains(step / stepsPerEpoch) ? gamma : 1));

    /// <summary>After the warm-up the base value.</summary>
    public static double[] WarmupFixed(int epochs, int stepsPerEpoch, int warmupEpochs, double warmupValue, double baseValue) =>
        Warmup(epochs, stepsPerEpoch, warmupEpochs, warmupValue, baseValue, static (before, _, _, _) => before);

    /// <summary>The configurations' plain <c>fixed</c>: the base value from the first step on.</summary>
    public static double[] Fixed(int epochs, int stepsPerEpoch, double baseValue) => WarmupFixed(epochs, stepsPerEpoch, 0, 0, baseValue);

    // What comes after the warm-up is of the value before, the step, the first step and the end.
    private static double[] Warmup(
        int epochs, int stepsPerEpoch, int warmupEpochs, double warmupValue, double baseValue, Func<double, int, int, int, double> after)
    {
        if (epochs < 1 || stepsPerEpoch < 1 || warmupEpochs < 0 || warmupEpochs > epochs)
        {
            throw new UsageException(
                $"schedule: {epochs} epochs of {stepsPerEpoch} steps with {warmupEpochs} warm-up epochs; the warm-up cannot outlast the run.");
        }

        var values = new double[epochs * stepsPerEpoch];
        var start = warmupEpochs * stepsPerEpoch;
        for (var step = 0; step < start; step++)
        {
            values[step] = start == 1 ? warmupValue : warmupValue + (step * ((baseValue - warmupValue) / (start - 1)));
        }

        if (start > 1)
        {
            values[start - 1] = baseValue;
        }

        var value = baseValue;
        for (var step = start; step < values.Length; step++)
        {
            values[step] = value = after(value, step, start, values.Length);
        }

        return values;
    }
}
