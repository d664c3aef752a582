using Spectre.Console;
using Xkd.Model.Training;

namespace Xkd.Cli.Hosting;

/// <summary>Shows a run as it goes: a panel to a person, lines to a log.</summary>
internal static class TrainingView
{
    /// <summary>Trains until the run's end or a stop.</summary>
    public static Task<TrainResult> TrainAsync(TrainerOptions options, Terminal terminal, TimeProvider time, CancellationToken stop)
    {
        Task<TrainResult> Train(ITrainingObserver observer) => new Trainer(options, time, observer).RunAsync(stop);
        return terminal.IsInteractive ? TrainingPanel.RunAsync(AnsiConsole.Console, Train) : Train(new TrainingLines(terminal));
    }
}
