using Xkd.Pipeline;

namespace Xkd.Model.Training;

/// <summary>Sees a run as it goes; called on the training thread, once per log interval.</summary>
public interface ITrainingObserver
{
    /// <summary>A sentence about the run: what was loaded, resumed or saved.</summary>
    void Note(string text);

    /// <summary>The steps since the last call, in order, never empty.</summary>
    void Steps(IReadOnlyList<StepMetrics> steps, long totalSteps);

    /// <summary>Where the feed's time has gone so far; called after <see cref="Steps"/>.</summary>
    void Feed(GraphReport report)
    {
        // Most do not look at it.
    }
}
