using Xkd.Model.Configuration;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>The <c>linear</c> and <c>finetune</c> protocols from caches to a result: train, test densely, score.</summary>
public static class ClassifierEvaluation
{
    /// <summary>Trains on one side and tests on the other. Fine-tuning changes the encoders' weights.</summary>
    /// <param name="encoders">One encoder, or audio and video.</param>
    /// <param name="train">The cache to fit on.</param>
    /// <param name="test">The cache to test on.</param>
    /// <param name="config">The protocol.</param>
    /// <param name="identity">What the result is of; its protocol says whether the encoders are trained too.</param>
    /// <param name="log">Receives a line an epoch.</param>
    /// <param name="stop">Stops between steps.</param>
    /// <exception cref="UsageException">Caches without labels, without the modality, or with classes that the other lacks.</exception>
    /// <exception cref="FailureException">The loss is not finite any more.</exception>
    internal static EvaluationResult Run(
        IReadOnlyList<EvaluationEncoder> encoders, Cache train, Cache test, ClassifierConfig config, EvaluationResult identity, Action<string> log, CancellationToken stop)
    {
        bool frozen = identity.Protocol == "linear";
        if (encoders.Count > 1 && config.Mix.Cutmix > 0)
        {
            throw new UsageException($"mix.cutmix is {config.Mix.Cutmix}: a box of a picture is none of a spectrogram; with --modality av write --set mix.cutmix=0");
        }

        (EvaluationSet fit, EvaluationSet judged) = EvaluationSets.Resolve(train, test, config, identity.Fold);
        _ = random.manual_seed(config.Seed); // the head's first weights and its dropout
        using ClipClassifier model = new(encoders, fit.Classes.Count, config.Head, frozen);
        using ClassifierTraining training = new(model, encoders, fit, config);
        ClassifierTest dense = new(model, encoders, judged, config, frozen);
        List<(int Epoch, ClipScores Scores)> evaluations = [];
        for (int epoch = 1; epoch <= config.Optim.Epochs; epoch++)
        {
            double loss = training.Epoch(epoch - 1, stop);
            bool last = epoch == config.Optim.Epochs;
            if (last || (config.EvaluateEvery > 0 && epoch % config.EvaluateEvery == 0))
            {
                ClipScores scores = dense.Run(stop);
                evaluations.Add((epoch, scores));
                log($"epoch {epoch}/{config.Optim.Epochs}: loss {loss:f4}, {scores.Metric} {scores.Value:f2} %");
            }
            else
            {
                log($"epoch {epoch}/{config.Optim.Epochs}: loss {loss:f4}");
            }
        }

        (int at, ClipScores reported) = Reported(evaluations, config.Report);
        return identity.With(reported) with
        {
            Classes = fit.Classes,
            Selection = config.Report switch
            {
                ReportedScore.Last => "the last epoch",
                ReportedScore.Best => $"epoch {at}, the best of {evaluations.Count} evaluations on the test clips: the score is optimistic",
                _ when reported.Metric == "map" => "the latest evaluation, which the released code calls the best mean average precision",
                _ => $"epoch {at}, the best of {evaluations.Count} evaluations on the test clips, as released: the score is optimistic",
            },
            Clips = new Dictionary<string, int>(StringComparer.Ordinal) { ["train"] = fit.Clips.Count, ["test"] = judged.Clips.Count },
            Epochs = evaluations.ToDictionary(e => $"{e.Epoch}", e => e.Scores.Value, StringComparer.Ordinal),
        };
    }

    /// <summary>The evaluation that is reported; of equally good ones the first.</summary>
    internal static (int Epoch, ClipScores Scores) Reported(IReadOnlyList<(int Epoch, ClipScores Scores)> evaluations, ReportedScore report) =>
        report == ReportedScore.Best || (report == ReportedScore.Released && evaluations[^1].Scores.Metric == "top1") ? evaluations.MaxBy(e => e.Scores.Value) : evaluations[^1];
}
