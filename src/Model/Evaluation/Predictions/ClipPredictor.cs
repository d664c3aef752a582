using Xkd.Model.Torch;
using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>Labels the clips of a cache by a kept classifier.</summary>
public static class ClipPredictor
{
    /// <summary>Scores every clip, as the evaluation that kept the classifier scored its test clips; the segments of a long recording follow each other.</summary>
    /// <param name="classifier">Of <see cref="KeptClassifier.Open"/>.</param>
    /// <param name="cache">Clips prepared as <see cref="ClassifierDescription.Media"/> says.</param>
    /// <param name="batch">Windows per forward pass.</param>
    /// <param name="take">Receives one recording after the other, in the order of their ids, on a thread of its own.</param>
    /// <param name="stop">Stops between batches.</param>
    /// <exception cref="UsageException">The cache does not fit.</exception>
    /// <exception cref="FailureException">A score is not finite.</exception>
    public static Task RunAsync(KeptClassifier classifier, Cache cache, int batch, Action<ClipPrediction> take, CancellationToken stop) => OwnThread.RunAsync(() =>
    {
        EvaluationSet all = new() { Cache = cache, Clips = [.. Enumerable.Range(0, cache.Clips.Count)], Classes = [], LabelSets = [], Multi = true };
        RecordingScores recordings = new((first, scores) => take(ClipPrediction.Of([.. scores.Select((s, i) => (cache.Clips[first + i], s))])));
        var clip = 0;
        classifier.Scorer.ForEachClip(
            cache, EvaluationViews.Test(classifier.Config with { Batch = batch }, classifier.Encoders, all),
            scores => recordings.Add(ClipSource.Key(cache.Clips[clip++].Id), scores), stop);
        recordings.Finish();
    });
}
