using Xkd.Storage;

namespace Xkd.Model.Optimization;

/// <summary>
/// A linear warm-up followed by half a cosine, per optimizer step, in double precision. As in the reference, the warm-up includes both its ends, so the
/// base value occurs twice in a row, and the final value itself is never reached.
/// </summary>
public sealed class CosineSchedule
{
    private readonly double start;
    private readonly double @base;
    private readonly double final;
    private readonly long warmupSteps;

    /// <param name="baseValue">Value at the end of the warm-up.</param>
    /// <param name="finalValue">Value the cosine falls (or rises) to.</param>
    /// <param name="steps">Steps in all, at least 1.</param>
    /// <param name="warmupSteps">Steps of the warm-up, 0 to <paramref name="steps"/>.</param>
    /// <param name="startValue">First value of the warm-up.</param>
    public CosineSchedule(double baseValue, double finalValue, long steps, long warmupSteps = 0, double startValue = 0)
    {
        if (steps < 1 || warmupSteps < 0 || warmupSteps > steps)
        {
            throw new UsageException($"schedule: {warmupSteps} warm-up steps of {steps} steps; the warm-up must fit into the run (lower warmup_epochs or raise epochs)");
        }

        (@base, final, Steps, this.warmupSteps, start) = (baseValue, finalValue, steps, warmupSteps, startValue);
    }

    /// <summary>Steps in all.</summary>
    public long Steps { get; }

    /// <summary>The value at a step, 0 to <see cref="Steps"/> − 1.</summary>
    public double At(long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(step, Steps);
        if (step < warmupSteps)
        {
            return step == warmupSteps - 1 && warmupSteps > 1 ? @base : start + step * ((@base - start) / Math.Max(1, warmupSteps - 1));
        }

        var progress = Math.PI * (step - warmupSteps) / (Steps - warmupSteps);
        return final + 0.5 * (@base - final) * (1 + Math.Cos(progress));
    }
}
