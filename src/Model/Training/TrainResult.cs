using Xkd.Pipeline;

namespace Xkd.Model.Training;

/// <summary>How one start of a run ended.</summary>
/// <param name="Steps">Optimizer steps the run has done in all.</param>
/// <param name="TotalSteps">Steps of the whole run.</param>
/// <param name="Stopped">Stopped on request with a checkpoint; the same command with <c>--resume</c> continues.</param>
/// <param name="Last">The last step's metrics; null when no step was done.</param>
/// <param name="PeakRss">Largest resident set of the process, bytes.</param>
/// <param name="Feed">Where the feed's time went.</param>
public sealed record TrainResult(long Steps, long TotalSteps, bool Stopped, StepMetrics? Last, long PeakRss, GraphReport Feed)
{
    /// <summary>Checkpoints that a full disk has cost since this start.</summary>
    public long CheckpointsMissed { get; init; }
}
