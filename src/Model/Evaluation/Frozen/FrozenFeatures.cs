using Xkd.Model.Weights;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>Runs a frozen encoder over the windows of a cache.</summary>
public static class FrozenFeatures
{
    /// <summary>
    /// Patch-mean features of every clip of <paramref name="cache"/>, labels as indices into <paramref name="classNames"/> (-1 for a
    /// label that is not among them).
    /// </summary>
    /// <exception cref="UsageException">The cache lacks the modality or does not fit the encoder.</exception>
    public static async Task<FeatureSet> ExtractAsync(
        FrozenEncoder encoder, Cache cache, WeightModality modality, WeightBranch branch, IReadOnlyList<string> classNames, int windows, int batch, CancellationToken stop)
    {
        Dictionary<string, int> classes = classNames.Select((name, index) => (name, index)).ToDictionary(c => c.name, c => c.index, StringComparer.Ordinal);
        int[] labels = [.. cache.Clips.Select(c => c.Label is string label && classes.TryGetValue(label, out int index) ? index : -1)];
        FeatureSetBuilder builder = new([.. cache.Clips.Select(c => c.Id)], labels, classNames, windows);
        EvaluationFeed feed = new(cache, encoder.Windows(modality == WeightModality.Video ? Modalities.Video : Modalities.Audio, windows, batch));
        await using (feed.ConfigureAwait(false))
        {
            return await FeatureExtractor.RunAsync(
                feed.ReadAsync(stop),
                b => new FeatureBatch([.. b.ClipIndices.Select(i => (int)i)], encoder.Features(b, modality, branch)),
                builder,
                stop).ConfigureAwait(false);
        }
    }
}
