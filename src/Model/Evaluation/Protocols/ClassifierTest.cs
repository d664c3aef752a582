using TorchSharp;
using Xkd.Model.Configuration;
using Xkd.Pipeline;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>
/// Dense testing of a classifier. The views' scores that are combined are, as in the reference, softmaxes where a clip has one class; where it may have several, sigmoids in linear
/// evaluation and raw logits in fine-tuning.
/// </summary>
internal sealed class ClassifierTest(ClipClassifier model, IReadOnlyList<EvaluationEncoder> encoders, EvaluationSet set, ClassifierConfig config, bool frozen)
{
    /// <exception cref="FailureException">A score is not finite: it would be ranked all the same.</exception>
    public ClipScores Run(CancellationToken stop)
    {
        model.Train(false);
        EvaluationOptions views = EvaluationViews.Test(config, encoders, set);
        int classes = set.Classes.Count;
        float[] logits = new float[(long)set.Clips.Count * views.RowsPerClip * classes];
        int written = 0;
        EvaluationFeed feed = new(set.Cache, views);
        try
        {
            // Rows come clip by clip in the set's order, each clip's views together.
            foreach (EvaluationBatch batch in feed.ReadAsync(stop).ToBlockingEnumerable(stop))
            {
                using (batch)
                using (DisposeScope scope = NewDisposeScope())
                using (IDisposable unrecorded = no_grad())
                {
                    Tensor[] inputs = [.. encoders.Select(e => EncoderFeatures.Input(e, batch.Video, batch.Audio, batch.Size, model.Device))];
                    written += Copy(model.Forward(inputs).cpu(), logits.AsSpan(written));
                }
            }
        }
        finally
        {
            feed.DisposeAsync().AsTask().GetAwaiter().GetResult(); // on a thread of its own, which may wait
        }

        if (Array.FindIndex(logits, logit => !float.IsFinite(logit)) is >= 0 and int broken)
        {
            throw new FailureException($"the scores of clip {set.Ids[broken / (views.RowsPerClip * classes)]} are not finite; lower optim.lr, or take other weights");
        }

        float[] scores = (set.Multi, frozen) switch { (false, _) => DenseScores.Softmax(logits, classes), (_, true) => DenseScores.Sigmoid(logits), _ => logits };
        float[] combined = DenseScores.Combine(scores, views.RowsPerClip, classes, config.Test.Ensemble);
        return ClipScores.Of([.. combined.Select(s => (double)s)], set.Judged, released: config.Report == ReportedScore.Released);
    }

    private static int Copy(Tensor rows, Span<float> to)
    {
        float[] values = rows.data<float>().ToArray();
        values.CopyTo(to);
        return values.Length;
    }
}
