using Xkd.Model.Training;

namespace Xkd.Cli.Hosting;

/// <summary>One line per log interval: how far, the losses, the speed, what it waits for, and how long it will take.</summary>
internal sealed class TrainingLines(Terminal terminal, int epochs) : ITrainingObserver
{
    private readonly Pace _pace = new(epochs);

    public void Note(string text) => terminal.Line(text);

    public void Steps(IReadOnlyList<StepMetrics> steps, long totalSteps) => terminal.Line(_pace.Next(steps, totalSteps).Line);
}
