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
        IReadOnlyList<EvaluationEncoder> encoders, Cache train, Cache test, ClassifierConfig config, EvaluationResult identity, Action<string> log,
        CancellationToken stop)
    {
        var frozen = identity.Protocol == "linear";
        if (encoders.Count > 1 && config.Mix.Cutmix > 0)
        {
            throw new UsageException(
                $"mix.cutmix is {config.Mix.Cutmix}: a box of a picture is none of a spectrogram; with --modality av write --set mix.cutmix=0");
        }

        (var fit, var judged) = EvaluationSets.Resolve(train, test, config, identity.Fold);
        _ = random.manual_seed(config.Seed); // the head's first weights and its dropout
        using var model = new ClipClassifier(encoders, fit.Classes.Count, config.Head, frozen);
        using var training = new ClassifierTraining(model, fit, config);
        List<(int Epoch, ClipScores Scores)> evaluations = [];
        for (var epoch = 1; epoch <= config.Optim.Epochs; epoch++)
        {
            var line = $"epoch {epoch}/{config.Optim.Epochs}: loss {training.Epoch(epoch - 1, stop):f4}";
            if (epoch == config.Optim.Epochs || (config.EvaluateEvery > 0 && epoch % config.EvaluateEvery == 0))
            {
                var scores = Test(model, judged, config, frozen, stop);
                evaluations.Add((epoch, scores));
                line += $", {scores.Metric} {scores.Value:f2} %";
            }

            log(line);
        }

        // Of equally good evaluations the first.
        var chosen = config.Report == ReportedScore.Best || (config.Report == ReportedScore.Released && evaluations[^1].Scores.Metric == "top1");
        (var at, var reported) = chosen ? evaluations.MaxBy(e => e.Scores.Value) : evaluations[^1];
        return identity.With(reported) with
        {
            Classes = fit.Classes,
            Selection = config.Report == ReportedScore.Last ? "the last epoch"
                : !chosen ? "the latest evaluation, which the released code calls the best mean average precision"
                : $"epoch {at}, the best of {evaluations.Count} evaluations on the test clips"
                + $"{(config.Report == ReportedScore.Released ? ", as released" : string.Empty)}: the score is optimistic",
            Clips = EvaluationResult.Sizes(fit.Clips.Count, judged.Clips.Count),
            Epochs = evaluations.ToDictionary(e => $"{e.Epoch}", e => e.Scores.Value, StringComparer.Ordinal),
        };
    }

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

    // Dense testing. What is combined of the views is, as in the reference, their softmaxes where a clip has one class; where it may have several, sigmoids in
    // linear evaluation and raw logits in fine-tuning.
    private static ClipScores Test(ClipClassifier model, EvaluationSet set, ClassifierConfig config, bool frozen, CancellationToken stop)
    {
        model.Train(false);
        var views = EvaluationViews.Test(config, model.Encoders, set);
        int classes = set.Classes.Count, written = 0;
        var logits = new float[(long)set.Clips.Count * views.RowsPerClip * classes];
        EncoderFeatures.ForEachBatch(set.Cache, views, batch =>
        {
            using var scope = NewDisposeScope();
            using var unrecorded = no_grad();
            Tensor[] inputs = [.. model.Encoders.Select(e => EncoderFeatures.Input(e, batch))];
            var rows = model.Forward(inputs).cpu().data<float>().ToArray();
            rows.CopyTo(logits, written);
            written += rows.Length;
        }, stop);
        if (Array.FindIndex(logits, logit => !float.IsFinite(logit)) is >= 0 and int broken)
        {
            throw new FailureException(
                $"the scores of clip {set.Ids[broken / (views.RowsPerClip * classes)]} are not finite; lower optim.lr, or take other weights");
        }

        using var all = NewDisposeScope();
        var scores = tensor(logits, [logits.Length / classes, classes]);
        scores = !set.Multi ? nn.functional.softmax(scores, -1) : frozen ? sigmoid(scores) : scores;
        var combined = Combine(scores, views.RowsPerClip, config.Test.Ensemble).to(ScalarType.Float64).data<double>().ToArray();
        return set.Multi
            ? ClipScores.Multi(combined, set.LabelSets, set.Classes, released: config.Report == ReportedScore.Released)
            : ClipScores.Single(combined, set.Labels, set.Classes);
    }
}
