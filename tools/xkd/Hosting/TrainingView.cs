using Spectre.Console;
using Xkd.Model.Ranks;
using Xkd.Model.Training;

namespace Xkd.Cli.Hosting;

/// <summary>Shows a run as it goes: a panel to a person, lines to a log.</summary>
internal static class TrainingView
{
    /// <summary>Trains until the run's end or a stop.</summary>
    public static Task<TrainResult> TrainAsync(TrainerOptions options, Terminal terminal, TimeProvider time, CancellationToken stop, RankGroup? ranks = null)
    {
        Task<TrainResult> Train(ITrainingObserver observer) => new Trainer(options, time, observer, ranks).RunAsync(stop);
        if (ranks is { IsFirst: false })
        {
            return Train(new OtherRankNotes(ranks.Rank));
        }

        var epochs = options.Config.Optim.Epochs;

        // Open MPI gives its ranks a terminal of their own, which nobody sees.
        return terminal.IsInteractive && (ranks is null || ranks.Size == 1)
            ? TrainingPanel.RunAsync(AnsiConsole.Console, epochs, Train)
            : Train(new TrainingLines(terminal, epochs));
    }
}
