using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Model.Weights;
using Xkd.Pipeline;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>One row of a results table: a protocol on a data set with some weights.</summary>
public sealed record EvaluationRequest
{
    /// <summary><c>svm</c>, <c>linear</c> or <c>finetune</c>.</summary>
    public required string Protocol { get; init; }

    /// <summary>An <see cref="SvmConfig"/> for <c>svm</c>, else a <see cref="ClassifierConfig"/>.</summary>
    public required EvaluationConfig Config { get; init; }

    /// <summary>A run, or weight files: one of them per modality wanted.</summary>
    public required IReadOnlyList<string> Weights { get; init; }

    /// <summary>The labelled cache trained on.</summary>
    public required Cache Train { get; init; }

    /// <summary>The cache tested on. May be the training cache: its folds or splits, or without any a fifth of each class's recordings, are tested.</summary>
    public required Cache Test { get; init; }

    /// <summary>The fold; null takes the first where the caches have folds.</summary>
    public int? Fold { get; init; }

    /// <summary>Every fold, and their mean.</summary>
    public bool AllFolds { get; init; }

    /// <summary>Which copy of the encoders. Default the teacher.</summary>
    public WeightBranch Branch { get; init; } = WeightBranch.Teacher;

    /// <summary>Where the encoders run, such as <see cref="Training.Devices.Parse"/> gives.</summary>
    public required Device Device { get; init; }

    /// <summary>Where the classifier is kept, of several folds the first's; null keeps none.</summary>
    public string? Classifier { get; init; }

    /// <summary>Receives how much is done, and of how much: windows whose features are computed (<c>svm</c>), or batches trained on.</summary>
    public Action<long, long>? Progress { get; init; }
}

/// <summary>
/// What <c>--smoke</c> changes of any configuration, so that every part runs within minutes: few classes, clips, windows and epochs at the encoder's own size.
/// </summary>
public static class SmokeRun
{
    private static readonly string[] Views =
    [
        "batch=4", "frame_size=null", "max_classes=4", "max_train_clips=4", "max_test_clips=2", "train.windows=2", "test.windows=2",
    ];

    private static readonly string[] Training = ["train.windows=1", "optim.epochs=2", "optim.warmup_epochs=1", "optim.milestones=[1]", "evaluate_every=1"];

    /// <summary>Configuration keys and values, to be set before a person's own.</summary>
    /// <param name="protocol"><c>svm</c>, <c>linear</c> or <c>finetune</c>.</param>
    public static IEnumerable<string> Overrides(string protocol) => protocol == "svm" ? Views : [.. Views, .. Training];
}

/// <summary>Runs a request, fold by fold.</summary>
/// <param name="request">What to evaluate.</param>
/// <param name="log">Receives lines for a person; null (default): nobody.</param>
public sealed class EvaluationRun(EvaluationRequest request, Action<string>? log = null)
{
    private readonly Action<string> _log = log ?? (_ => { });

    /// <summary>The result of each fold, or the only one.</summary>
    /// <param name="stop">Stops between batches; nothing is then kept.</param>
    /// <exception cref="UsageException">Weights, caches, folds and configuration do not go together.</exception>
    /// <exception cref="FailureException">A file is damaged, or training diverged.</exception>
    public Task<IReadOnlyList<EvaluationResult>> RunAsync(CancellationToken stop = default) => OwnThread.RunAsync<IReadOnlyList<EvaluationResult>>(() => Run(stop));

    private List<EvaluationResult> Run(CancellationToken stop)
    {
        ConfigBinder.Check(request.Config, EvaluationConfigRules.Check); // one that a program made was never read from a file
        var folds = EvaluationSets.Folds(request.Test);
        int?[] wanted = folds.Count == 0 && (request.AllFolds || request.Fold is not null)
            ? throw new UsageException($"{request.Test.Path} has no folds; leave --fold and --folds out, or ingest a dataset that has some")
            : folds.Count == 0 ? [null] : request.AllFolds ? [.. folds.Select(f => (int?)f)] : [request.Fold ?? folds[0]];
        if (wanted is [int only] && request.Fold is null && !request.AllFolds)
        {
            _log($"fold {only} of {string.Join(", ", folds)}; --folds all takes the mean");
        }

        List<(EvaluationSet Fit, EvaluationSet Judged)> sides = [.. wanted.Select(f => EvaluationSets.Resolve(request.Train, request.Test, request.Config, f))];
        if (sides[0].Judged.Note is { } drawn)
        {
            _log(drawn);
        }

        List<EvaluationResult> results = [];
        List<EvaluationEncoder> encoders = [];
        SvmFeatures? features = null;
        try
        {
            foreach (var (fold, both) in wanted.Zip(sides))
            {
                // Fine-tuning has changed the last fold's weights.
                if (results.Count == 0 || request.Protocol == "finetune")
                {
                    Close(encoders);
                    Open(encoders);
                }

                if (request.Config is SvmConfig svm)
                {
                    features ??= SvmFeatures.Extract(encoders, svm, sides, request.Progress, stop);
                }

                var result = One(encoders, fold, both, features, results.Count == 0 ? request.Classifier : null, Of(results.Count, wanted.Length), stop);
                results.Add(result);
                if (wanted.Length > 1)
                {
                    _log($"fold {fold}: {result.Metric} {result.Value:f2} %");
                }
            }
        }
        finally
        {
            Close(encoders);
        }

        return results;
    }

    private EvaluationResult One(
        IReadOnlyList<EvaluationEncoder> encoders, int? fold, (EvaluationSet Fit, EvaluationSet Judged) sides, SvmFeatures? features, string? kept,
        Action<long, long> progress, CancellationToken stop)
    {
        var dataset = EvaluationSets.DatasetOf(request.Test) ?? request.Config.Dataset;
        var identity = new EvaluationResult
        {
            Dataset = dataset,
            Config = request.Config.Dataset,
            Protocol = request.Protocol,
            Fold = fold,
            Modality = request.Config.Modality.ToString().ToLowerInvariant(),
            Branch = request.Branch == WeightBranch.Teacher ? "teacher" : "student",
            Seed = (ulong)request.Config.Seed,
            WeightsSha256 = string.Join('+', encoders.Select(e => e.WeightsSha256).Distinct(StringComparer.Ordinal)),
            Notes = Notes(request.Config, dataset, sides.Judged),
        };
        Action<HeadWeights>? keep = kept is null ? null : head => KeptClassifier.WriteWeights(kept, encoders, head);
        var result = request.Config is SvmConfig svm
            ? SvmEvaluation.Run(features!, sides, svm, identity, keep, _log, stop)
            : ClassifierEvaluation.Run(encoders, sides, (ClassifierConfig)request.Config, identity, keep, _log, progress, stop);
        if (kept is not null)
        {
            KeptClassifier.Complete(kept, request.Config, encoders, request.Test, result);
        }

        return result;
    }

    // Folds train about the same number of batches each.
    private Action<long, long> Of(int fold, int folds) => (done, all) => request.Progress?.Invoke((fold * all) + done, folds * all);

    private void Open(List<EvaluationEncoder> encoders)
    {
        var wanted = request.Config.Modality;
        foreach (var modality in new[] { WeightModality.Audio, WeightModality.Video })
        {
            if (wanted == EvaluationModality.Av || (wanted == EvaluationModality.Video) == (modality == WeightModality.Video))
            {
                var path = EvaluationEncoder.WeightsFor(request.Weights, modality);
                encoders.Add(EvaluationEncoder.Open(path, modality, request.Branch, request.Config.Encoder, request.Device, _log));
            }
        }
    }

    private static void Close(List<EvaluationEncoder> encoders)
    {
        encoders.ForEach(e => e.Dispose());
        encoders.Clear();
    }

    // One sentence per released behaviour and per shrinking; null where there is nothing to say.
    private static string[]? Notes(EvaluationConfig config, string dataset, EvaluationSet judged)
    {
        var svm = config as SvmConfig;
        var classifier = config as ClassifierConfig;
        var foreign = EvaluationSets.Foreign(config.Dataset, dataset);
        string[] notes =
        [
            .. Where(foreign is not null, foreign!),
            .. Where(judged.Note is not null, judged.Note!),
            .. Where(config.MaxClasses > 0, $"at most {config.MaxClasses} classes"),
            .. Where(config.MaxTrainClips > 0, $"at most {config.MaxTrainClips} training clips a class"),
            .. Where(config.MaxTestClips > 0, $"at most {config.MaxTestClips} test clips a class"),
            .. Where(config.Test.Crops == TestCrops.ReleasedThree, "released: the three crops are one and the same"),
            .. Where(svm is { Selection: SvmSelection.Test, C.Length: > 1 }, "released: C was chosen on the test clips"),
            .. Where(classifier?.Mix is { CutmixTimeAndHeight: true, Cutmix: > 0 }, "released: CutMix cuts time and height"),
            .. Where(classifier?.Report == ReportedScore.Best, "the epoch was chosen on the test clips"),
            .. Where(
                classifier?.Report == ReportedScore.Released,
                "released: the best accuracy on the test clips, or the latest mean average precision, is reported"),
        ];
        return notes.Length > 0 ? notes : null;

        static string[] Where(bool applies, string note) => applies ? [note] : [];
    }
}
