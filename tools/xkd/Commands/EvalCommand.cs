using System.CommandLine;
using System.Globalization;
using Xkd.Cli.Evaluation;
using Xkd.Cli.Hosting;
using Xkd.Model.Evaluation;
using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Model.Training;
using Xkd.Storage;

namespace Xkd.Cli.Commands;

/// <summary><c>xkd eval</c>: what the encoders are worth.</summary>
internal static class EvalCommand
{
    public static Command Create() => new("eval", "Evaluate pre-trained encoders.")
    {
        Protocol("svm", "A linear SVM on frozen features."), Protocol("linear", "A linear classifier trained on a frozen encoder."), Protocol("finetune", "A classifier trained together with its encoder."),
        NeighbourCommand.Create(), RetrievalCommand.Create(),
    };

    private static Command Protocol(string protocol, string description)
    {
        Command command = new(protocol, description);
        var config = ConfigNames.Accept(
            new Option<string?>("--config")
            {
                Description = $"A file, or a name such as folder or ucf101 of configs/eval/{protocol}.{(protocol == "svm" ? " Without it, the defaults, as folder writes them out." : string.Empty)}",
                Required = protocol != "svm",
            },
            $"eval/{protocol}");
        var weights = CommonOptions.Weights();
        var train = CommonOptions.RequiredPath("--train", protocol == "svm" ? "The labelled cache, or feature file, to fit on." : "The labelled cache to fit on.");
        var val = CommonOptions.RequiredPath("--val", "The labelled cache to test on; the same one where it holds folds or splits.");
        var conditions = CommonOptions.Where();
        var ids = CommonOptions.Ids();
        var cacheSize = CommonOptions.CacheSize();
        var fold = Numbers.Optional<int>("--fold", "Fold to evaluate; the first by default.", new NumberRange(0, 1_000_000));
        Option<string?> folds = new("--folds") { Description = "all: every fold, and their mean." };
        folds.AcceptOnlyFromAmong("all");
        Option<string?> modality = new("--modality") { Description = "Which encoder; av joins both. Default: the configuration's." };
        modality.AcceptOnlyFromAmong("video", "audio", "av");
        var branch = CommonOptions.Choice("--branch", "Which copy of the encoder.", "teacher", "student");
        Option<bool> smoke = new("--smoke") { Description = "Few classes, clips, windows and epochs: does it run from end to end?" };
        var seed = Numbers.Optional<long>("--seed", "Seed of everything drawn.", CommonOptions.Seeds);
        var folder = Outputs.Folder(CommonOptions.RequiredPath(
            "--out", "Folder for results.json, per_class.csv, confusion.png, report.html, predictions.parquet and the classifier that predict takes."));
        var force = CommonOptions.Force("the results in --out");
        var set = CommonOptions.Set();
        var device = CommonOptions.Device();
        var libtorch = CommonOptions.LibTorch();
        var json = CommonOptions.Json();
        foreach (var option in new Option[] { config, weights, train, val, conditions, ids, cacheSize, fold, folds, modality, branch, smoke, seed, folder, force, set, device, libtorch, json })
        {
            command.Add(option);
        }

        command.SetAction(async (parsed, _) =>
        {
            // What a person writes comes after what --smoke sets, and wins.
            string[] overrides =
            [
                .. parsed.GetValue(smoke) ? SmokeRun.Overrides(protocol) : [],
                .. parsed.GetValue(modality) is { } m ? [$"modality={m}"] : Array.Empty<string>(),
                .. parsed.GetValue(seed) is long s ? [string.Create(CultureInfo.InvariantCulture, $"seed={s}")] : Array.Empty<string>(),
                .. parsed.GetValue(set)!,
            ];
            var path = parsed.GetValue(config);
            EvaluationConfig loaded = protocol == "svm" ? SvmConfig.Load(path, overrides) : ClassifierConfig.Load(path!, overrides);
            if (parsed.GetValue(fold) is not null && parsed.GetValue(folds) is not null)
            {
                throw new UsageException("--fold and --folds are both given; write one of them");
            }

            var terminal = Terminal.Of(parsed, json);
            using StopSignals signals = new();
            var output = parsed.GetValue(folder)!;
            OutputFolder.RequireFree(output, parsed.GetValue(force));
            LibTorch.Load(parsed.GetValue(libtorch));
            Devices.SetThreads(0);
            if (loaded is SvmConfig svm && IsFeatures(parsed.GetValue(train)!))
            {
                foreach (var option in new Option[] { weights, conditions, ids, fold, folds, modality, branch })
                {
                    if (parsed.GetResult(option) is { Implicit: false })
                    {
                        throw new UsageException($"{option.Name} means nothing for feature files, which hold what is to be compared; leave it out, or name two caches");
                    }
                }

                if (svm.Labels == LabelKind.Multi || svm.LabelsPerClass > 0)
                {
                    throw new UsageException($"{path ?? "--set"} asks for {(svm.LabelsPerClass > 0 ? "labels_per_class" : "labels: multi")}, which feature files do not offer; name two caches");
                }

                await FeaturesAsync(svm, parsed.GetValue(train)!, parsed.GetValue(val)!, output, terminal, signals.Token).ConfigureAwait(false);
                return ExitCodes.Done;
            }

            var files = parsed.GetValue(weights) ?? [];
            if (files.Length == 0)
            {
                throw new UsageException("--weights is missing; name a run, a checkpoint, or a weight file (only eval svm on feature files does without)");
            }

            ProgressLine progress = new(terminal, protocol == "svm" ? "features" : "batches", TimeProvider.System, TimeSpan.FromSeconds(10));
            var where = Devices.Parse(parsed.GetValue(device)!);
            EvaluationRequest request = new()
            {
                Protocol = protocol,
                Config = loaded,
                Weights = files,
                Train = Cache.Open(parsed.GetValue(train)!, objects: CommonOptions.Objects(parsed.GetValue(cacheSize))).Select(CommonOptions.Filter(parsed, conditions, ids)),
                Test = Cache.Open(parsed.GetValue(val)!, objects: CommonOptions.Objects(parsed.GetValue(cacheSize))).Select(CommonOptions.Filter(parsed, conditions, ids)),
                Fold = parsed.GetValue(fold),
                AllFolds = parsed.GetValue(folds) is not null,
                Branch = WeightChoices.Branch(parsed.GetValue(branch)!),
                Device = where,
                Classifier = Path.Combine(output, KeptClassifier.FolderName),
                Progress = (done, all) => progress.Report(done, all),
            };
            Terminal.Warn(request.Train.Warnings.Concat(request.Test.Warnings).Distinct());
            var results = await new EvaluationRun(request, terminal.Line).RunAsync(signals.Token).ConfigureAwait(false);
            await DoneAsync(output, results, features: null, terminal, signals.Token).ConfigureAwait(false);
            return ExitCodes.Done;
        });
        return command;
    }

    private static bool IsFeatures(string path) => path.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase);

    private static async Task FeaturesAsync(SvmConfig config, string train, string val, string output, Terminal terminal, CancellationToken stop)
    {
        if (!IsFeatures(val))
        {
            throw new UsageException($"--train {train} is a feature file, --val {val} is not; name two feature files or two caches");
        }

        var identity = await FeatureFiles.IdentityAsync(val, "svm", config.Dataset).ConfigureAwait(false) with { Seed = (ulong)config.Seed };
        var result = await SvmProbe.RunAsync(train, val, output, config, identity, terminal.Line, stop).ConfigureAwait(false);
        await DoneAsync(output, [result], val, terminal, stop).ConfigureAwait(false);
    }

    private static async Task DoneAsync(string output, IReadOnlyList<EvaluationResult> results, string? features, Terminal terminal, CancellationToken stop)
    {
        var result = await EvaluationFiles.WriteAsync(output, results, stop, features).ConfigureAwait(false);
        terminal.Result(EvaluationFiles.Summary(result));
        if (terminal.Json)
        {
            Terminal.WriteJson(result);
        }

        if (Directory.Exists(Path.Combine(output, KeptClassifier.FolderName)))
        {
            terminal.Next($"xkd predict --model {output} FILE_OR_FOLDER…");
        }
    }
}
