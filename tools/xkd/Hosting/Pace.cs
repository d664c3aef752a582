using Xkd.Model.Training;

namespace Xkd.Cli.Hosting;

/// <summary>Estimates how long the rest of a run will take, from a smoothed time per step.</summary>
/// <param name="epochs">Of the run.</param>
internal sealed class Pace(int epochs)
{
    private const double Smoothing = 0.9;

    private double _stepMs;

    public IntervalSummary Next(IReadOnlyList<StepMetrics> steps, long totalSteps)
    {
        var ms = steps.Average(s => s.Ms);
        _stepMs = _stepMs == 0 ? ms : (_stepMs * Smoothing) + (ms * (1 - Smoothing));
        return new IntervalSummary(steps, totalSteps, epochs, TimeSpan.FromMilliseconds(_stepMs * (totalSteps - steps[^1].Step)));
    }
}
