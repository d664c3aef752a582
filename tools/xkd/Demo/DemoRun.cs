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
/// The main job from end to end on this machine, and the claim of the method: real and generated clips into caches; one network trained twice, by reconstruction
/// alone and by all of XKD; what each knows of the classes, which no training saw; and a page that shows it all.
/// </summary>
internal sealed class DemoRun(DemoOptions options, Terminal terminal, TimeProvider time)
{
    private readonly List<(string Part, TimeSpan Took)> _parts = [];

    /// <summary>Classes of the generated set; chance is one in this many.</summary>
    public static int Classes => ShapesGenerator.Classes.Count;

    private string Media => Path.Combine(options.Out, "media");

    private string Cache(string name) => Path.Combine(options.Out, "cache", name);

    private string ReconstructionRun => Path.Combine(options.Out, "reconstruction");

    private string XkdRun => Path.Combine(options.Out, "run");

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
        var reconstruction = PretrainConfig.Load(ConfigPath("pretrain/tiny.yaml"), [.. Overrides(), "objective.cmkd=0", "objective.align=0"]);
        await PartAsync("train, reconstruction alone", () => TrainAsync(reconstruction, ReconstructionRun, stop)).ConfigureAwait(false);
        var trained = await PartAsync("train, XKD", () => TrainAsync(config, XkdRun, stop)).ConfigureAwait(false);
        var scores = await PartAsync("probe", () => ProbeAsync(config, stop)).ConfigureAwait(false);
        var found = await PartAsync("search", () => CrossModalSearch.RunAsync(XkdRun, Cache("val"), terminal, stop)).ConfigureAwait(false);
        var report = Path.Combine(options.Out, "report.html");
        DemoReport page = new(options, config, scores, found, ingested, trained);
        await PartAsync("report", () => page.WriteAsync(
            report, Cache("real"), Cache("val"), Path.Combine(Media, "val"), [("reconstruction", ReconstructionRun), ("XKD", XkdRun)], _parts, terminal.Line)).ConfigureAwait(false);
        Summarise(scores, found, time.GetElapsedTime(start));
        terminal.Line($"  {report}");
        return ExitCodes.Done;
    }

    private void Summarise(IReadOnlyList<ProbeScore> scores, CrossModalSearch found, TimeSpan took)
    {
        terminal.Line(string.Empty);
        foreach ((var part, var time) in _parts.Append(("in all", took)))
        {
            terminal.Line(string.Create(CultureInfo.InvariantCulture, $"  {part,-28} {time.TotalSeconds,7:f1} s"));
        }

        foreach (var score in scores)
        {
            terminal.Line(string.Create(CultureInfo.InvariantCulture,
                $"  {score.Modality,-5} probe of {Classes} classes: untrained {score.Untrained:f1} %, reconstruction {score.Reconstruction:f1} %, XKD {score.Xkd:f1} %"));
        }

        terminal.Line(string.Create(CultureInfo.InvariantCulture,
            $"  the right clip among the first 10 of {found.Clips}: {found.SoundToPicture.Recall[10]:f1} % by sound, "
            + $"{found.PictureToSound.Recall[10]:f1} % by picture; chance {found.SoundToPicture.Chance[10]:f1} %"));
    }

    // Clips and training share one seed, so that another --seed is another experiment from end to end.
    private string[] Overrides() => [$"seed={options.Seed}", $"batch={options.Batch}", $"optim.epochs={options.Epochs}", .. options.Short ? new[] { "optim.warmup_epochs=1" } : []];

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

    private async Task<TrainResult> TrainAsync(PretrainConfig config, string run, CancellationToken stop)
    {
        TrainerOptions train = new() { Config = config, Data = [Cache("train")], Out = run, Resume = ResumeMode.Auto, Device = "cpu" };
        var result = await TrainingView.TrainAsync(train, terminal, time, stop).ConfigureAwait(false);
        return result.Stopped ? throw new OperationCanceledException("the demo was stopped; the same command continues it", stop) : result;
    }

    private async Task<List<ProbeScore>> ProbeAsync(PretrainConfig config, CancellationToken stop)
    {
        var svm = SvmConfig.Load(ConfigPath("eval/svm/folder.yaml"), [$"seed={options.Seed}"]);
        Cache train = Storage.Cache.Open(Cache("train")), val = Storage.Cache.Open(Cache("val"));
        var cpu = Devices.Parse("cpu");
        using var untrained = FrozenEncoder.Untrained(config, train.Mel, cpu);
        using var reconstruction = FrozenEncoder.OpenRun(ReconstructionRun, cpu, terminal.Line);
        using var xkd = FrozenEncoder.OpenRun(XkdRun, cpu, terminal.Line);
        List<ProbeScore> scores = [];
        foreach (var modality in new[] { WeightModality.Video, WeightModality.Audio })
        {
            scores.Add(new ProbeScore(modality.ToString().ToLowerInvariant(), await ValueAsync(untrained, modality).ConfigureAwait(false),
                await ValueAsync(reconstruction, modality).ConfigureAwait(false), await ValueAsync(xkd, modality).ConfigureAwait(false)));
        }

        return scores;

        async Task<double> ValueAsync(FrozenEncoder model, WeightModality modality)
        {
            EvaluationResult identity = new()
            {
                Dataset = svm.Dataset, Protocol = "svm", Modality = modality.ToString().ToLowerInvariant(), Branch = "teacher", Seed = (ulong)svm.Seed, WeightsSha256 = model.WeightsSha256,
            };
            return (await SvmEvaluation.RunAsync([EvaluationEncoder.Of(model, modality, WeightBranch.Teacher)], train, val, svm, identity, stop).ConfigureAwait(false)).Value;
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
