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
        var output = Outputs.File(CommonOptions.RequiredPath("--out", "The Parquet file: id, label, vector."));
        var modality = CommonOptions.Choice("--modality", "Which encoder.", "video", "audio");
        var branch = CommonOptions.Choice("--branch", "Which copy of the encoder.", "teacher", "student");
        var windows = Numbers.Option("--windows", "Windows a clip, evenly spaced, whose mean is written.", new NumberRange(1, 10_000), 1);
        var batch = Numbers.Option("--batch", "Windows per forward pass.", new NumberRange(1, 65_536), 16);
        var scatter = Outputs.File(new Option<string?>("--scatter") { Description = "A PNG of the two leading principal components, coloured by label." });
        var set = CommonOptions.Set();
        var device = CommonOptions.Device();
        var libtorch = CommonOptions.LibTorch();
        Command command = new("features", "Write an encoder's features of a cache as Parquet.") { weights, data, where, ids, cacheSize, output, modality, branch, windows, batch, scatter, set, device, libtorch };
        command.SetAction(async (parsed, _) =>
        {
            var path = parsed.GetValue(output)!;
            if (!path.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase))
            {
                throw new UsageException($"--out {path}: features are written as Parquet; name the file .parquet");
            }

            if (Directory.Exists(path))
            {
                throw new UsageException($"--out {path} is a folder; name a file");
            }

            // encoder.* matters for weights that do not describe themselves, frame_rule for caches of older versions.
            var config = SvmConfig.Load(null, parsed.GetValue(set)!);
            Terminal terminal = new(json: false);
            using StopSignals signals = new();
            LibTorch.Load(parsed.GetValue(libtorch));
            Devices.SetThreads(0);
            var cache = Cache.Open(parsed.GetValue(data)!, objects: CommonOptions.Objects(parsed.GetValue(cacheSize))).Select(CommonOptions.Filter(parsed, where, ids));
            Terminal.Warn(cache.Warnings);
            var which = WeightChoices.Modality(parsed.GetValue(modality)!)!.Value;
            using var encoder = EvaluationEncoder.Open(
                EvaluationEncoder.WeightsFor(parsed.GetValue(weights)!, which), which, WeightChoices.Branch(parsed.GetValue(branch)!), config.Encoder, Devices.Parse(parsed.GetValue(device)!), terminal.Line);
            ProgressLine line = new(terminal, "clips", TimeProvider.System, PlainInterval);
            await FeatureFiles.WriteAsync(encoder, cache, path, parsed.GetValue(windows), parsed.GetValue(batch), done => line.Report(done, cache.Clips.Count), signals.Token, config.FrameRule).ConfigureAwait(false);
            line.Finish(cache.Clips.Count, cache.Clips.Count, path);
            if (parsed.GetValue(scatter) is { } picture)
            {
                await FeatureScatter.WriteAsync(path, picture, signals.Token).ConfigureAwait(false);
                terminal.Line(picture);
            }

            return ExitCodes.Done;
        });
        return command;
    }
}
