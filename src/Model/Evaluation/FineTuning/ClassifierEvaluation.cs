using Xkd.Pipeline;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>Which of a training's evaluations is the result.</summary>
public enum ReportedScore
{
    /// <summary>The last epoch's: nothing was chosen on the test clips.</summary>
    Last,

    /// <summary>The best evaluation: chosen on the test clips, which the result says.</summary>
    Best,

    /// <summary>What the released code calls best: the best accuracy, but the latest mean average precision, whose best is never raised.</summary>
    Released,
}

/// <summary>How the scores of a clip's windows become one.</summary>
public enum ClipEnsemble
{
    Mean,
    Max,
    Sum,
}

/// <summary>The <c>linear</c> and <c>finetune</c> protocols from caches to a result: train, test densely, score.</summary>
internal static class ClassifierEvaluation
{
    /// <summary>
    /// Trains on one side and tests on the other; logs a line an epoch. Fine-tuning, which the identity's protocol says, changes the encoders.
    /// </summary>
    /// <exception cref="UsageException">Caches without labels, without the modality, or with classes that the other lacks.</exception>
    /// <exception cref="FailureException">The loss is not finite any more.</exception>
    public static EvaluationResult Run(
        IReadOnlyList<EvaluationEncoder> encoders, (EvaluationSet Fit, EvaluationSet Judged) sides, ClassifierConfig config, EvaluationResult identity,
        Action<HeadWeights>? keep, Action<string> log, Action<long, long> progress, CancellationToken stop)
    {
        (var fit, var judged) = sides;
        var frozen = identity.Protocol == "linear";
        if (encoders.Count > 1 && config.Mix.Cutmix > 0)
        {
            throw new UsageException(
                $"mix.cutmix is {config.Mix.Cutmix}: a box of a picture is none of a spectrogram; with --modality av write --set mix.cutmix=0");
        }

        _ = random.manual_seed(config.Seed); // the head's first weights and its dropout
        using var model = new ClipClassifier(encoders, fit.Classes.Count, config.Head, frozen);
        using var training = new ClassifierTraining(model, fit, config);
        var scorer = ClipScorer.Of(model, config, identity.Protocol);
        List<(int Epoch, ClipScores Scores, IReadOnlyList<ClipPrediction> Predictions)> evaluations = [];
        for (var epoch = 1; epoch <= config.Optim.Epochs; epoch++)
        {
            var line = $"epoch {epoch}/{config.Optim.Epochs}: loss {training.Epoch(epoch - 1, Batches(epoch), stop):f4}";
            if (epoch == config.Optim.Epochs || (config.EvaluateEvery > 0 && epoch % config.EvaluateEvery == 0))
            {
                var (scores, predictions) = Test(model, scorer, judged, config, stop);
                evaluations.Add((epoch, scores, predictions));
                line += $", {scores.Metric} {scores.Value:f2} %";
                if (Reported(evaluations, config).Epoch == epoch && (ChoosesEpoch(config, scores) || epoch == config.Optim.Epochs))
                {
                    keep?.Invoke(HeadWeights.Of(model));
                }
            }

            log(line);
        }

        Action<long, long> Batches(int epoch) => (done, of) => progress(((epoch - 1) * of) + done, config.Optim.Epochs * of);

        var chosen = ChoosesEpoch(config, evaluations[^1].Scores);
        (var at, var reported, var made) = Reported(evaluations, config);
        return identity.With(reported) with
        {
            Classes = fit.Classes,
            Selection = config.Report == ReportedScore.Last ? "the last epoch"
                : !chosen ? "the latest evaluation, which the released code calls the best mean average precision"
                : $"epoch {at}, the best of {evaluations.Count} evaluations on the test clips"
                + $"{(config.Report == ReportedScore.Released ? ", as released" : string.Empty)}: the score is optimistic",
            Clips = EvaluationResult.Sizes(fit.Clips.Count, judged.Clips.Count),
            Epochs = evaluations.ToDictionary(e => $"{e.Epoch}", e => e.Scores.Value, StringComparer.Ordinal),
            Predictions = made,
        };
    }

    // Of equally good evaluations the first.
    private static (int Epoch, ClipScores Scores, IReadOnlyList<ClipPrediction> Predictions) Reported(
        List<(int Epoch, ClipScores Scores, IReadOnlyList<ClipPrediction> Predictions)> evaluations, ClassifierConfig config) =>
        ChoosesEpoch(config, evaluations[^1].Scores) ? evaluations.MaxBy(e => e.Scores.Value) : evaluations[^1];

    private static bool ChoosesEpoch(ClassifierConfig config, ClipScores scores) =>
        config.Report == ReportedScore.Best || (config.Report == ReportedScore.Released && scores.Metric == "top1");

    /// <summary>Scores of a clip's views [clips · views, classes] as one: [clips, classes].</summary>
    /// <exception cref="UsageException">The scores are not whole clips.</exception>
    public static Tensor Combine(Tensor scores, int views, ClipEnsemble ensemble)
    {
        if (views < 1 || scores.shape[0] % views != 0)
        {
            throw new UsageException($"evaluation: {scores.shape[0]} rows of scores are not whole clips of {views} windows.");
        }

        using var scope = NewDisposeScope();
        var clips = scores.view(-1, views, scores.shape[1]);
        var combined = ensemble switch { ClipEnsemble.Max => clips.amax([1L]), ClipEnsemble.Sum => clips.sum(1), _ => clips.mean([1L]) };
        return combined.MoveToOuterDisposeScope();
    }

    // Dense testing.
    private static (ClipScores Scores, IReadOnlyList<ClipPrediction> Predictions) Test(
        ClipClassifier model, ClipScorer scorer, EvaluationSet set, ClassifierConfig config, CancellationToken stop)
    {
        model.Train(false);
        ScoreTally tally = new(set.Classes, set.Multi, released: config.Report == ReportedScore.Released);
        List<ClipPrediction> predictions = [];
        RecordingScores recordings = new((first, scores) =>
        {
            tally.Add(set.LabelSets[first], RecordingScores.Mean(scores));
            predictions.Add(set.Prediction(first, scores));
        });
        var clip = 0;
        scorer.ForEachClip(set.Cache, EvaluationViews.Test(config, model.Encoders, set), scores =>
        {
            recordings.Add(config.Test.Sample == SampleUnit.PerVideo ? ClipSource.Key(set.Cache.Clips[set.Clips[clip]].Id) : (ulong)clip, scores);
            clip++;
        }, stop);
        recordings.Finish();
        return (tally.Scores, predictions);
    }
}
