using System.Globalization;
using Xkd.Pipeline;

namespace Xkd.Model.Training;

/// <summary>A run as lines of text: its notes as they are, and of each log interval the last step, its loss and milliseconds a step.</summary>
/// <param name="log">Receives each line; null: nobody.</param>
internal sealed class TrainingLog(Action<string>? log) : ITrainingObserver
{
    public void Note(string text) => log?.Invoke(text);

    public void Steps(IReadOnlyList<StepMetrics> steps, long totalSteps) => log?.Invoke(string.Create(
        CultureInfo.InvariantCulture, $"step {steps[^1].Step} of {totalSteps}: loss {steps[^1].Loss:f4}, {steps.Average(step => step.Ms):f0} ms a step"));

    public void Feed(GraphReport report)
    {
        // A table is no line; TrainResult has the last one.
    }
}
