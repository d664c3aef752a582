using TorchSharp;
using Xkd.Model.Training;
using Xkd.Model.Weights;
using Xkd.Pipeline;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>Features of a set's windows by frozen encoders, those of several encoders side by side.</summary>
internal static class EncoderFeatures
{
    /// <param name="encoders">Run on the same windows, in this order.</param>
    /// <param name="set">Whose clips.</param>
    /// <param name="views">What is cut of them.</param>
    /// <param name="unitLength">Each encoder's vectors are brought to unit length.</param>
    /// <param name="stop">Stops between batches.</param>
    /// <exception cref="UsageException">The cache does not fit the encoders.</exception>
    public static FeatureSet Extract(IReadOnlyList<EvaluationEncoder> encoders, EvaluationSet set, EvaluationOptions views, bool unitLength, CancellationToken stop)
    {
        Dictionary<long, int> positions = set.Clips.Index().ToDictionary(c => (long)c.Item, c => c.Index);
        FeatureSetBuilder builder = new(set.Ids, set.Labels, set.Classes, views.RowsPerClip);
        EvaluationFeed feed = new(set.Cache, views);
        try
        {
            FeatureSet features = FeatureExtractor.Run(
                feed.ReadAsync(stop),
                batch => new FeatureBatch([.. batch.ClipIndices.Select(c => positions[c])], Vectors(encoders, batch, unitLength)),
                builder,
                stop);
            return set.Multi ? features with { LabelSets = set.LabelSets } : features;
        }
        finally
        {
            feed.DisposeAsync().AsTask().GetAwaiter().GetResult(); // on a thread of its own, which may wait
        }
    }

    /// <summary>An encoder's input of a batch, on its device.</summary>
    public static Tensor Input(EvaluationEncoder encoder, HostView? video, HostView? audio, int rows, Device device)
    {
        HostView view = (encoder.Modality == WeightModality.Video ? video : audio) ?? throw new InvalidOperationException($"the feed delivered no {encoder.Modality}");
        return XkdInputTensors.ToDevice(view.Data, [rows, .. view.Shape[1..]], device);
    }

    /// <summary>Features of one batch on the host, row-major [rows, sum of widths].</summary>
    public static float[] Vectors(IReadOnlyList<EvaluationEncoder> encoders, EvaluationBatch batch, bool unitLength)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        Tensor[] parts = [.. encoders.Select(encoder =>
        {
            Tensor features = encoder.Features(Input(encoder, batch.Video, batch.Audio, batch.Size, encoder.Network.PositionTable.device)); // [B, D]
            return unitLength ? nn.functional.normalize(features, p: 2, dim: -1) : features;
        })];
        return (parts.Length == 1 ? parts[0] : cat(parts, 1)).cpu().data<float>().ToArray(); // [B, ΣD]
    }
}
