using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Xkd.Model.Torch;
using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>Labels the clips of a cache by a kept classifier.</summary>
public static class ClipPredictor
{
    // Predictions that wait for who takes them.
    private const int Ahead = 256;

    /// <summary>
    /// Scores every clip, as the evaluation that kept the classifier scored its test clips, and gives one recording after the other, in the order of their ids.
    /// A recording that was cut is one prediction with its segments. Ending the enumeration ends the work.
    /// </summary>
    /// <param name="classifier">Of <see cref="KeptClassifier.Open"/>; must not be disposed of meanwhile.</param>
    /// <param name="cache">Clips prepared as <see cref="ClassifierDescription.Media"/> says.</param>
    /// <param name="batch">Windows per forward pass; default 16.</param>
    /// <param name="stop">Stops between batches.</param>
    /// <exception cref="UsageException">The cache does not fit.</exception>
    /// <exception cref="FailureException">A score is not finite.</exception>
    public static async IAsyncEnumerable<ClipPrediction> PredictAsync(
        KeptClassifier classifier, Cache cache, int batch = 16, [EnumeratorCancellation] CancellationToken stop = default)
    {
        var made = Channel.CreateBounded<ClipPrediction>(Ahead);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var work = WorkAsync(ended.Token);
        try
        {
            await foreach (var prediction in made.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
            {
                yield return prediction;
            }
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            await work.ConfigureAwait(false); // nothing uses the classifier any more
        }

        async Task WorkAsync(CancellationToken end)
        {
            try
            {
                // On a thread of the work's own, which may wait.
                await OwnThread.RunAsync(
                    () => Score(classifier, cache, batch, p => made.Writer.WriteAsync(p, end).AsTask().GetAwaiter().GetResult(), end)).ConfigureAwait(false);
                made.Writer.Complete();
            }
            catch (Exception e)
            {
                made.Writer.Complete(e); // thrown where the predictions are taken
            }
        }
    }

    private static void Score(KeptClassifier classifier, Cache cache, int batch, Action<ClipPrediction> take, CancellationToken stop)
    {
        if (cache.Clips.Count == 0)
        {
            return;
        }

        EvaluationSet all = new() { Cache = cache, Clips = [.. Enumerable.Range(0, cache.Clips.Count)], Classes = [], LabelSets = [], Multi = true };
        RecordingScores recordings = new((first, scores) => take(all.Prediction(first, scores)));
        var clip = 0;
        classifier.Scorer.ForEachClip(
            cache, EvaluationViews.Test(classifier.Config with { Batch = batch }, classifier.Encoders, all),
            scores => recordings.Add(ClipSource.Key(cache.Clips[clip++].Id), scores), stop);
        recordings.Finish();
    }
}
