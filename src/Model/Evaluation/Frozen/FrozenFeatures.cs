using Xkd.Model.Weights;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>Runs a frozen encoder over the windows of a cache.</summary>
public static class FrozenFeatures
{
    /// <summary>
    /// Patch-mean features of clips of <paramref name="cache"/>, labels as indices into <paramref name="classNames"/> (-1 for a
    /// label that is not among them).
    /// </summary>
    /// <param name="encoder">The encoder.</param>
    /// <param name="cache">A labelled cache.</param>
    /// <param name="modality">Which of its encoders.</param>
    /// <param name="branch">Which copy of it.</param>
    /// <param name="classNames">The classes.</param>
    /// <param name="windows">Windows a clip.</param>
    /// <param name="batch">Windows a forward pass.</param>
    /// <param name="stop">Ends the run.</param>
    /// <param name="clips">Indices into the cache's clips, ascending; null: all.</param>
    /// <exception cref="UsageException">The cache lacks the modality or does not fit the encoder.</exception>
    public static async Task<FeatureSet> ExtractAsync(
        FrozenEncoder encoder, Cache cache, WeightModality modality, WeightBranch branch, IReadOnlyList<string> classNames, int windows, int batch, CancellationToken stop,
        IReadOnlyList<int>? clips = null)
    {
        Dictionary<string, int> classes = classNames.Select((name, index) => (name, index)).ToDictionary(c => c.name, c => c.index, StringComparer.Ordinal);
        clips ??= [.. Enumerable.Range(0, cache.Clips.Count)];
        Dictionary<long, int> rows = clips.Index().ToDictionary(c => (long)c.Item, c => c.Index);
        int[] labels = [.. clips.Select(i => cache.Clips[i].Label is string label && classes.TryGetValue(label, out int index) ? index : -1)];
        FeatureSetBuilder builder = new([.. clips.Select(i => cache.Clips[i].Id)], labels, classNames, windows);
        EvaluationFeed feed = new(cache, encoder.Windows(modality == WeightModality.Video ? Modalities.Video : Modalities.Audio, windows, batch) with { Clips = clips });
        await using (feed.ConfigureAwait(false))
        {
            return await FeatureExtractor.RunAsync(
                feed.ReadAsync(stop),
                b => new FeatureBatch([.. b.ClipIndices.Select(i => rows[i])], encoder.Features(b, modality, branch)),
                builder,
                stop).ConfigureAwait(false);
        }
    }
}
