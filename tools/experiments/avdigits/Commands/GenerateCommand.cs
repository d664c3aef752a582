using System.CommandLine;
using Xkd.Cli.Hosting;
using Xkd.Ingest;
using Xkd.Model.Method;
using Xkd.Storage;

namespace Xkd.Experiments.AvDigits;

/// <summary><c>generate</c>: the corpus from MNIST and the Free Spoken Digit Dataset.</summary>
internal static class GenerateCommand
{
    private static readonly TimeSpan PlainInterval = TimeSpan.FromSeconds(5);

    public static Command Create()
    {
        var mnist = CommonOptions.RequiredPath("--mnist", "MNIST: its four IDX files (also .gz), or training/D/* and testing/D/* pictures.");
        var fsdd = CommonOptions.RequiredPath("--fsdd", "The Free Spoken Digit Dataset: its recordings, D_speaker_N.wav.");
        var output = CommonOptions.RequiredPath("--out", "The corpus: train/digit_D/*.mp4 and val/digit_D/*.mp4.");
        var seed = Numbers.Option("--seed", "Every clip is a pure function of it.", CommonOptions.Seeds, 0L);
        var train = Numbers.Option("--train-per-class", "Training clips of each digit.", new NumberRange(1, 1_000_000), 200);
        var validation = Numbers.Option("--val-per-class", "Validation clips of each digit.", new NumberRange(1, 1_000_000), 30);
        Command command = new("generate", "Make the corpus: a handwritten digit drifts while the same digit is spoken. The same command makes only what is missing.") { mnist, fsdd, output, seed, train, validation };
        command.SetAction(async (parsed, _) =>
        {
            DigitCorpusOptions options = new()
            {
                Mnist = parsed.GetValue(mnist)!,
                Fsdd = parsed.GetValue(fsdd)!,
                Seed = (ulong)parsed.GetValue(seed),
                TrainPerClass = parsed.GetValue(train),
                ValidationPerClass = parsed.GetValue(validation),
            };
            foreach ((var flag, var folder) in new[] { ("--mnist", options.Mnist), ("--fsdd", options.Fsdd) })
            {
                if (!Directory.Exists(folder))
                {
                    throw new UsageException($"{flag} {folder}: no such folder; docs/experiment.md says where to get it");
                }
            }

            if (options.TrainPerClass < 1 || options.ValidationPerClass < 1)
            {
                throw new UsageException($"--train-per-class {options.TrainPerClass}, --val-per-class {options.ValidationPerClass}: write numbers above 0");
            }

            Terminal terminal = new(json: false);
            using StopSignals signals = new();
            var all = DigitImages.Digits * (options.TrainPerClass + options.ValidationPerClass);
            ProgressLine line = new(terminal, "clips", TimeProvider.System, PlainInterval);
            var made = await new DigitCorpus(FfmpegTools.Locate()).GenerateAsync(parsed.GetValue(output)!, options, new Made(n => line.Report(n, all)), signals.Token).ConfigureAwait(false);
            line.Finish(all, all, $"{made} made, {all - made} were there");
            return ExitCodes.Done;
        });
        return command;
    }

    // On the worker's own thread: Progress<T> would queue to the pool, where the last may overtake the result.
    private sealed class Made(Action<int> report) : IProgress<int>
    {
        public void Report(int value) => report(value);
    }
}
