using System.Globalization;
using Xkd.Cli.Commands;
using Xkd.Cli.Hosting;
using Xkd.Ingest;
using Xkd.Model.Evaluation;
using Xkd.Model.Method;
using Xkd.Model.Training;
using Xkd.Model.Weights;
using Xkd.Storage;

namespace Xkd.Cli.Demo;

/// <summary>
/// The main job from end to end on this machine: real and generated clips into caches, a tiny XKD trained on one, its features
/// probed against an untrained copy's, and a page that shows it all.
/// </summary>
internal sealed class DemoRun(DemoOptions options, Terminal terminal, TimeProvider time)
{
    private readonly List<(string Part, TimeSpan Took)> _parts = [];

    /// <summary>Classes of the generated set; chance is one in this many.</summary>
    public static int Classes => ShapesGenerator.Classes.Count;

    private string Media => Path.Combine(options.Out, "media");

    private string Cache(string name) => Path.Combine(options.Out, "cache", name);

    private string RunFolder => Path.Combine(options.Out, "run");

    public async Task<int> RunAsync(CancellationToken stop)
    {
        var start = time.GetTimestamp();
        await PartAsync("generate", () => GenerateAsync(stop)).ConfigureAwait(false);
        Dictionary<string, IngestResult> ingested = new(StringComparer.Ordinal)
        {
            ["real"] = await PartAsync("ingest real clips", () => IngestAsync(Path.Combine(AppContext.BaseDirectory, "samples"), "real", MissingPolicy.Keep, stop)).ConfigureAwait(false),
            ["train"] = await PartAsync("ingest train", () => IngestAsync(Path.Combine(Media, "train"), "train", MissingPolicy.Drop, stop)).ConfigureAwait(false),
            ["val"] = await PartAsync("ingest val", () => IngestAsync(Path.Combine(Media, "val"), "val", MissingPolicy.Drop, stop)).ConfigureAwait(false),
        };
        foreach ((var name, var result) in ingested.Where(i => i.Value.Failed + i.Value.FailedEarlier > 0 && i.Key != "real"))
        {
            throw new FailureException($"the demo's {name} set has {result.Failed + result.FailedEarlier} failed clips; {Cache(name)}/ledger.jsonl names them; delete {options.Out} to begin again");
        }

        var config = PretrainConfig.Load(ConfigPath("pretrain/tiny.yaml"), Overrides());
        var trained = await PartAsync("train", () => TrainAsync(config, stop)).ConfigureAwait(false);
        var scores = await PartAsync("probe", () => ProbeAsync(config, stop)).ConfigureAwait(false);
        var report = Path.Combine(options.Out, "report.html");
        await PartAsync("report", () => new DemoReport(options, config, scores, ingested, trained).WriteAsync(
            report, Cache("real"), Cache("val"), RunFolder, _parts, terminal.Line)).ConfigureAwait(false);

        terminal.Line(string.Empty);
        foreach ((var part, var took) in _parts)
        {
            terminal.Line($"  {part,-18} {took.TotalSeconds,7:f1} s");
        }

        terminal.Line($"  {"in all",-18} {time.GetElapsedTime(start).TotalSeconds,7:f1} s");
        foreach (var score in scores)
        {
            terminal.Line(string.Create(CultureInfo.InvariantCulture,
                $"  {score.Modality,-5} probe of {Classes} classes: untrained {score.Untrained:f1} %, trained {score.Trained:f1} % ({score.Trained - score.Untrained:+0.0;-0.0} points)"));
        }

        terminal.Line($"  {report}");
        return ExitCodes.Done;
    }

    // Clips and training share one seed, so that another --seed is another experiment from end to end.
    private string[] Overrides() => [$"seed={options.Seed}", .. options.Short ? new[] { "batch=6", "optim.epochs=2", "optim.warmup_epochs=1" } : ["optim.epochs=20"]];

    private static string ConfigPath(string name) => Path.Combine(AppContext.BaseDirectory, "configs", name);

    private async Task<int> GenerateAsync(CancellationToken stop)
    {
        ShapesOptions shapes = new() { Seed = (ulong)options.Seed + 1, TrainPerClass = options.TrainPerClass, ValidationPerClass = options.ValidationPerClass };
        var made = await new ShapesGenerator(FfmpegTools.Locate()).GenerateAsync(Media, shapes, progress: null, stop).ConfigureAwait(false);
        terminal.Line($"generated {made} clips of {Classes} classes ({string.Join(", ", ShapesGenerator.Classes)}) under {Media}");
        return made;
    }

    private async Task<IngestResult> IngestAsync(string root, string cache, MissingPolicy missing, CancellationToken stop) =>
        await IngestCommand.IngestAsync(new IngestOptions { Root = root, Out = Cache(cache), OnMissing = missing }, terminal, stop).ConfigureAwait(false);

    private async Task<TrainResult> TrainAsync(PretrainConfig config, CancellationToken stop)
    {
        TrainerOptions train = new() { Config = config, Data = [Cache("train")], Out = RunFolder, Resume = ResumeMode.Auto, MaxSteps = options.Steps, Device = "cpu" };
        var result = await TrainingView.TrainAsync(train, terminal, time, stop).ConfigureAwait(false);
        return result.Stopped ? throw new OperationCanceledException("the demo was stopped; the same command continues it", stop) : result;
    }

    private async Task<List<ProbeScore>> ProbeAsync(PretrainConfig config, CancellationToken stop)
    {
        var svm = SvmConfig.Load(ConfigPath("eval/svm/folder.yaml"), [$"seed={options.Seed}", $"labels_per_class={options.LabelsPerClass}"]);
        Cache train = Storage.Cache.Open(Cache("train")), val = Storage.Cache.Open(Cache("val"));
        using var trained = FrozenEncoder.OpenRun(RunFolder, Devices.Parse("cpu"), terminal.Line);
        using var untrained = FrozenEncoder.Untrained(config, train.Mel, Devices.Parse("cpu"));
        List<ProbeScore> scores = [];
        foreach (var modality in new[] { WeightModality.Video, WeightModality.Audio })
        {
            var name = modality.ToString().ToLowerInvariant();
            EvaluationResult before = await ProbeAsync(untrained, modality).ConfigureAwait(false), after = await ProbeAsync(trained, modality).ConfigureAwait(false);
            terminal.Line($"probe {name}: untrained {before.Value:f1} %, trained {after.Value:f1} %");
            scores.Add(new ProbeScore(name, before.Value, after.Value));
        }

        return scores;

        Task<EvaluationResult> ProbeAsync(FrozenEncoder model, WeightModality modality)
        {
            EvaluationResult identity = new()
            {
                Dataset = svm.Dataset, Protocol = "svm", Modality = modality.ToString().ToLowerInvariant(), Branch = "teacher", Seed = (ulong)svm.Seed, WeightsSha256 = model.WeightsSha256,
            };
            return SvmEvaluation.RunAsync([EvaluationEncoder.Of(model, modality, WeightBranch.Teacher)], train, val, svm, identity, stop);
        }
    }

    private async Task<T> PartAsync<T>(string part, Func<Task<T>> work)
    {
        terminal.Line($"── {part}");
        var start = time.GetTimestamp();
        var result = await work().ConfigureAwait(false);
        _parts.Add((part, time.GetElapsedTime(start)));
        return result;
    }
}
