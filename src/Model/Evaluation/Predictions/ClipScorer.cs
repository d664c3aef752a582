using Xkd.Pipeline;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>Scores clips: each window's classes, then a clip's windows and crops as one.</summary>
/// <param name="classes">Number of classes.</param>
/// <param name="ensemble">How the scores of a clip's windows become one.</param>
/// <param name="score">Scores of a batch's windows, row-major [rows, classes].</param>
internal sealed class ClipScorer(int classes, ClipEnsemble ensemble, Func<HostBatch, double[]> score)
{
    /// <summary>Scores the clips that the views name, in their order, on the caller's thread.</summary>
    /// <param name="cache">Where they are.</param>
    /// <param name="views">Windows and crops of each.</param>
    /// <param name="take">Receives the scores [classes] of one clip after the other.</param>
    /// <param name="stop">Stops between batches.</param>
    /// <exception cref="UsageException">The cache does not fit.</exception>
    /// <exception cref="FailureException">A score is not finite.</exception>
    public void ForEachClip(Cache cache, EvaluationOptions views, Action<double[]> take, CancellationToken stop)
    {
        List<double> waiting = [];
        var rows = views.RowsPerClip;
        var done = 0;
        EncoderFeatures.ForEachBatch(cache, views, batch =>
        {
            waiting.AddRange(score(batch));
            var clips = waiting.Count / (rows * classes);
            if (clips == 0)
            {
                return;
            }

            using var scope = NewDisposeScope();
            var windows = tensor(waiting.GetRange(0, clips * rows * classes).ToArray(), [clips * rows, classes]);
            foreach (var scores in ClassifierEvaluation.Combine(windows, rows, ensemble).data<double>().ToArray().Chunk(classes))
            {
                if (!Array.TrueForAll(scores, double.IsFinite))
                {
                    throw new FailureException(
                        $"the scores of clip {cache.Clips[views.Clips?[done] ?? done].Id} are not finite; lower optim.lr, or take other weights");
                }

                take(scores);
                done++;
            }

            waiting.RemoveRange(0, clips * rows * classes);
        }, stop);
    }

    /// <summary>
    /// By a network. What is combined of the windows is, as in the reference, their softmaxes where a clip has one class; where it may have several, sigmoids
    /// in linear evaluation and raw logits in fine-tuning.
    /// </summary>
    /// <param name="model">Scores windows; in evaluation mode.</param>
    /// <param name="config">Label kind and ensemble.</param>
    /// <param name="protocol"><c>linear</c> or <c>finetune</c>.</param>
    public static ClipScorer Of(ClipClassifier model, EvaluationConfig config, string protocol) => new(model.Classes, config.Test.Ensemble, batch =>
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        Tensor[] inputs = [.. model.Encoders.Select(e => EncoderFeatures.Input(e, batch))];
        var logits = model.Forward(inputs).cpu();
        var scores = config.Labels == LabelKind.Single ? nn.functional.softmax(logits, -1) : protocol == "linear" ? sigmoid(logits) : logits;
        return scores.to(ScalarType.Float64).data<double>().ToArray();
    });

    /// <summary>By a linear SVM: decision values, averaged.</summary>
    /// <param name="encoders">Give the features.</param>
    /// <param name="model">Takes them.</param>
    /// <param name="unitLength">Each encoder's features are brought to unit length.</param>
    public static ClipScorer Of(IReadOnlyList<EvaluationEncoder> encoders, LinearSvmModel model, bool unitLength) =>
        new(model.Classes, ClipEnsemble.Mean, batch => model.Decide(EncoderFeatures.Vectors(encoders, batch, unitLength)));
}
