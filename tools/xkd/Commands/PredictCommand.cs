using System.CommandLine;
using Xkd.Cli.Hosting;
using Xkd.Cli.Predictions;
using Xkd.Ingest;
using Xkd.Model.Evaluation;
using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Model.Training;
using Xkd.Storage;

namespace Xkd.Cli.Commands;

/// <summary><c>xkd predict</c>: label clips by a classifier that <c>xkd eval</c> kept.</summary>
internal static class PredictCommand
{
    public static Command Create()
    {
        Argument<string[]> clips = new("clip") { Description = "Files and folders, decoded as ingest does; or none, with --data.", Arity = ArgumentArity.ZeroOrMore };
        var model = CommonOptions.RequiredPath("--model", "What eval svm, linear or finetune wrote: its --out folder, or the classifier folder in it.");
        Option<string?> data = new("--data") { Description = "A cache to label, instead of files." };
        var where = CommonOptions.Where();
        var ids = CommonOptions.Ids();
        var cacheSize = CommonOptions.CacheSize();
        var output = Outputs.File(new Option<string?>("--out") { Description = "A .parquet or .csv of every clip with all scores." });
        var force = CommonOptions.Force();
        var top = Numbers.Option("--top", "Classes shown of each clip.", new NumberRange(1, 1_000_000), 5);
        var threshold = Numbers.Optional<double>("--threshold", "Of classifiers with several labels a clip: the score above which a class is predicted.", new NumberRange(-1e9, 1e9));
        var batch = Numbers.Option("--batch", "Windows per forward pass.", new NumberRange(1, 65_536), 16);
        var workers = Numbers.Option("--workers", "Files decoded at a time; 0: one per core.", new NumberRange(0, 1024), 0);
        var device = CommonOptions.Device();
        var libtorch = CommonOptions.LibTorch();
        var json = CommonOptions.Json();
        Command command = new("predict", "Label clips by a trained classifier.") { clips, model, data, where, ids, cacheSize, output, force, top, threshold, batch, workers, device, libtorch, json };
        command.SetAction(async (parsed, _) =>
        {
            var (paths, cachePath, file) = (parsed.GetValue(clips)!, parsed.GetValue(data), parsed.GetValue(output));
            if ((paths.Length == 0) == (cachePath is null))
            {
                throw new UsageException(cachePath is null ? "no clip is named; name files or folders, or a cache with --data" : $"clips are named, and so is --data {cachePath}; name one of both");
            }

            if (cachePath is null && (parsed.GetResult(where) is { Implicit: false } || parsed.GetResult(ids) is { Implicit: false }))
            {
                throw new UsageException("--where and --ids choose among the clips of a cache; name it with --data");
            }

            if (file is not null)
            {
                PredictionOutput.Require(file, parsed.GetValue(force));
            }

            var terminal = Terminal.Of(parsed, json);
            using StopSignals signals = new();
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(signals.Token);
            var (_, description) = KeptClassifier.Describe(parsed.GetValue(model)!);
            var listing = cachePath is null ? ClipPaths.List(paths, signals.Token) : new CatalogListing([], []);
            foreach (var note in listing.Notes)
            {
                terminal.Line(note);
            }

            // The first files are decoded while libtorch and the weights are loaded.
            using var scratch = cachePath is null ? new ScratchFolder(Path.Combine(Path.GetTempPath(), $"xkd-predict-{Environment.UserName}")) : null;
            var portions = scratch is null ? null : DecodedClips.Start(listing.Items, description, parsed.GetValue(workers), scratch.Path, stop.Token);
            try
            {
                LibTorch.Load(parsed.GetValue(libtorch));
                Devices.SetThreads(0);
                using var classifier = KeptClassifier.Open(parsed.GetValue(model)!, Devices.Parse(parsed.GetValue(device)!));
                var above = classifier.Threshold is null ? null : parsed.GetValue(threshold) ?? classifier.Threshold;
                if (above is null && parsed.GetValue(threshold) is not null)
                {
                    throw new UsageException("--threshold is for classifiers with several labels a clip; this one predicts one, leave it out");
                }

                PredictionRun run = new(classifier, new PredictionOutput(description.Classes, above, parsed.GetValue(top), terminal.Json), parsed.GetValue(batch), terminal);
                if (file is not null)
                {
                    await run.WriteToAsync(file, above).ConfigureAwait(false);
                }

                await using (run.ConfigureAwait(false))
                {
                    if (portions is not null)
                    {
                        await run.FilesAsync(portions, listing.Items.Count, signals.Token).ConfigureAwait(false);
                    }
                    else
                    {
                        var cache = Cache.Open(cachePath!, objects: CommonOptions.Objects(parsed.GetValue(cacheSize))).Select(CommonOptions.Filter(parsed, where, ids));
                        Terminal.Warn(cache.Warnings);
                        await run.CacheAsync(cache, signals.Token).ConfigureAwait(false);
                    }

                    return await run.FinishAsync().ConfigureAwait(false);
                }
            }
            finally
            {
                await stop.CancelAsync().ConfigureAwait(false);
                if (portions is not null)
                {
                    await DecodedClips.EndAsync(portions).ConfigureAwait(false);
                }
            }
        });
        return command;
    }
}
