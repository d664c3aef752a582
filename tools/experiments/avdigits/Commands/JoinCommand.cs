using System.CommandLine;
using Xkd.Cli.Hosting;
using Xkd.Ingest;
using Xkd.Model.Method;

namespace Xkd.Experiments.AvDigits;

/// <summary><c>join</c>: clips of 10 s, whose moments differ, out of a corpus.</summary>
internal static class JoinCommand
{
    private static readonly TimeSpan PlainInterval = TimeSpan.FromSeconds(5);

    public static Command Create()
    {
        var data = CommonOptions.RequiredPath("--data", "The corpus that `generate` made: a folder with train and val.");
        var output = CommonOptions.RequiredPath("--out", "The set: train/digit_D/*.mp4 and val/digit_D/*.mp4.");
        var seed = Numbers.Option("--seed", "Draws what each clip is joined with.", CommonOptions.Seeds, 0L);
        var most = Numbers.Option("--per-class", "Most clips of each digit and split.", new NumberRange(1, 1_000_000), 200);
        Command command = new("join", "Make clips of 10 s: 3 s of another digit, 4 s of the clip's own, 3 s of a third. The same command makes only what is missing.") { data, output, seed, most };
        command.SetAction(async (parsed, _) =>
        {
            using StopSignals signals = new();
            ProgressLine line = new(Terminal.Of(parsed), "clips", TimeProvider.System, PlainInterval);
            (var made, var all) = await new JoinedCorpus(FfmpegTools.Locate())
                .MakeAsync(parsed.GetValue(data)!, parsed.GetValue(output)!, parsed.GetValue(most), (ulong)parsed.GetValue(seed), new Reported(p => line.Report(p.Made, p.All)), signals.Token).ConfigureAwait(false);
            line.Finish(all, all, $"{made} made, {all - made} were there");
            return ExitCodes.Done;
        });
        return command;
    }

    // On the worker's own thread: Progress<T> would queue to the pool, where the last may overtake the result.
    private sealed class Reported(Action<(int Made, int All)> report) : IProgress<(int Made, int All)>
    {
        public void Report((int Made, int All) value) => report(value);
    }
}
