using System.CommandLine;
using Xkd.Cli.Evaluation;
using Xkd.Cli.Hosting;
using Xkd.Model.Evaluation;
using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Model.Training;
using Xkd.Storage;

namespace Xkd.Cli.Commands;

/// <summary><c>xkd features</c>: what an encoder makes of each clip, as Parquet.</summary>
internal static class FeaturesCommand
{
    private static readonly TimeSpan PlainInterval = TimeSpan.FromSeconds(10);

    public static Command Create()
    {
        var weights = CommonOptions.Weights();
        weights.Required = true;
        var data = CommonOptions.RequiredPath("--data", "The cache: a folder, or s3://bucket/prefix.");
        var where = CommonOptions.Where();
        var ids = CommonOptions.Ids();
        var cacheSize = CommonOptions.CacheSize();
        var output = Outputs.File(CommonOptions.RequiredPath("--out", "The file: .parquet (id, label, vector), .npy (with .ids.csv beside it) or .csv."));
        var force = CommonOptions.Force();
        var modality = CommonOptions.Choice("--modality", "Which encoder; av joins both, audio first.", "video", "audio", "av");
        var branch = CommonOptions.Choice("--branch", "Which copy of the encoder.", "teacher", "student");
        var windows = Numbers.Optional<int>(
            "--windows", "With a number: a row a clip, the mean of so many windows, evenly spaced; by default 1. Without one: a row a window with its time, as many as cover the clip.", new NumberRange(1, 10_000));
        windows.Arity = ArgumentArity.ZeroOrOne;
        Option<bool> tokens = new("--tokens") { Description = "Of every window the vectors of all patches [tokens, features] in place of their mean." };
        var batch = Numbers.Option("--batch", "Windows per forward pass.", new NumberRange(1, 65_536), 16);
        var scatter = Outputs.File(new Option<string?>("--scatter") { Description = "A PNG of the two leading principal components, coloured by label." });
        var set = CommonOptions.Set();
        var device = CommonOptions.Device();
        var libtorch = CommonOptions.LibTorch();
        Command command = new("features", "Write an encoder's features of a cache as Parquet, NumPy array or CSV.") { weights, data, where, ids, cacheSize, output, force, modality, branch, windows, tokens, batch, scatter, set, device, libtorch };
        command.SetAction(async (parsed, _) =>
        {
            var path = parsed.GetValue(output)!;
            FeatureLayout.Require(path);
            Outputs.RequireFree(path, parsed.GetValue(force));
            if (parsed.GetValue(scatter) is not null && Path.GetExtension(path) != ".parquet")
            {
                throw new UsageException($"--scatter is made of a Parquet file; name --out {Path.ChangeExtension(path, ".parquet")}");
            }

            var each = parsed.GetResult(windows) is { Implicit: false, Tokens.Count: 0 };
            if (parsed.GetValue(tokens) && parsed.GetValue(modality) == "av")
            {
                throw new UsageException("--tokens are of one encoder; write --modality video or audio");
            }

            // encoder.* matters for weights that do not describe themselves, frame_rule for caches of older versions.
            var config = SvmConfig.Load(null, parsed.GetValue(set)!);
            var terminal = Terminal.Of(parsed);
            using StopSignals signals = new();
            LibTorch.Load(parsed.GetValue(libtorch));
            Devices.SetThreads(0);
            var cache = Cache.Open(parsed.GetValue(data)!, objects: CommonOptions.Objects(parsed.GetValue(cacheSize))).Select(CommonOptions.Filter(parsed, where, ids));
            Terminal.Warn(cache.Warnings);
            List<EvaluationEncoder> encoders = [];
            ProgressLine line = new(terminal, "clips", TimeProvider.System, PlainInterval);
            try
            {
                foreach (var which in WeightChoices.Modalities(parsed.GetValue(modality)!))
                {
                    encoders.Add(EvaluationEncoder.Open(
                        EvaluationEncoder.WeightsFor(parsed.GetValue(weights)!, which), which, WeightChoices.Branch(parsed.GetValue(branch)!), config.Encoder, Devices.Parse(parsed.GetValue(device)!), terminal.Line));
                }

                FeatureFileOptions options = new()
                {
                    Windows = each ? null : parsed.GetValue(windows) ?? 1, Tokens = parsed.GetValue(tokens), Batch = parsed.GetValue(batch), Frames = config.FrameRule,
                };
                await FeatureFiles.WriteAsync(encoders, cache, path, options, done => line.Report(done, cache.Clips.Count), signals.Token).ConfigureAwait(false);
            }
            finally
            {
                encoders.ForEach(encoder => encoder.Dispose());
            }

            line.Finish(cache.Clips.Count, cache.Clips.Count, path);
            if (parsed.GetValue(scatter) is { } picture)
            {
                await FeatureScatter.WriteAsync(path, picture, signals.Token).ConfigureAwait(false);
                terminal.Result(picture);
            }

            terminal.Next(FileReading.Of(path));

            return ExitCodes.Done;
        });
        return command;
    }
}
