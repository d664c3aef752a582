using Xkd.Model.Method;
using Xkd.Model.Training;
using Xkd.Model.Weights;
using Xkd.Pipeline;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>
/// Features of a set's windows by frozen encoders, those of several encoders side by side. Everything runs on the caller's thread, which waits.
/// </summary>
internal static class EncoderFeatures
{
    /// <summary>Reads windows batch by batch: clip by clip in the order of the views' clips, each clip's windows and crops together.</summary>
    public static void ForEachBatch(Cache cache, EvaluationOptions views, Action<HostBatch> take, CancellationToken stop)
    {
        var feed = new ClipFeed(cache, views);
        try
        {
            foreach (var batch in feed.ReadEpochAsync(0, stop).ToBlockingEnumerable(stop))
            {
                using (batch)
                {
                    take(batch);
                }
            }
        }
        finally
        {
            feed.DisposeAsync().AsTask().GetAwaiter().GetResult(); // on a thread of its own, which may wait
        }
    }

    /// <summary>Features of every window of a set; each encoder's vectors are brought to unit length where that is asked for.</summary>
    /// <exception cref="UsageException">The cache does not fit the encoders.</exception>
    public static FeatureSet Extract(
        IReadOnlyList<EvaluationEncoder> encoders, EvaluationSet set, EvaluationOptions views, bool unitLength, Action<long> progress, CancellationToken stop)
    {
        int dim = encoders.Sum(e => e.Width), written = 0;
        var vectors = new float[(long)set.Clips.Count * views.RowsPerClip * dim];
        ForEachBatch(set.Cache, views, batch =>
        {
            var rows = Vectors(encoders, batch, unitLength);
            rows.CopyTo(vectors, written);
            written += rows.Length;
            progress(written / dim);
        }, stop);
        if (written != vectors.Length)
        {
            throw new InvalidOperationException($"{set.Cache.Path}: {written / dim} windows came of {vectors.Length / dim}");
        }

        return new FeatureSet
        {
            Ids = set.Ids,
            Labels = set.Labels,
            LabelSets = set.Multi ? set.LabelSets : null,
            ClassNames = set.Classes,
            Windows = views.RowsPerClip,
            Dim = dim,
            Vectors = vectors,
        };
    }

    /// <summary>An encoder's input of a batch, on its device.</summary>
    public static Tensor Input(EvaluationEncoder encoder, HostBatch batch)
    {
        var view = (encoder.Modality == WeightModality.Video ? batch.GlobalVideo : batch.GlobalAudio)
            ?? throw new InvalidOperationException($"the feed delivered no {encoder.Modality}");
        return HostTensors.Rows(view, batch.Size, encoder.Network.PositionTable.device);
    }

    /// <summary>The patch tokens of one batch on the host, row-major [rows, tokens, width].</summary>
    public static float[] Tokens(EvaluationEncoder encoder, HostBatch batch)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        return encoder.Tokens(Input(encoder, batch)).cpu().contiguous().data<float>().ToArray();
    }

    /// <summary>Features of one batch on the host, row-major [rows, sum of widths].</summary>
    public static float[] Vectors(IReadOnlyList<EvaluationEncoder> encoders, HostBatch batch, bool unitLength)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        Tensor[] parts = [.. encoders.Select(encoder =>
        {
            var features = encoder.Features(Input(encoder, batch)); // [B, D]
            return unitLength ? nn.functional.normalize(features, p: 2, dim: -1) : features;
        })];
        return (parts.Length == 1 ? parts[0] : cat(parts, 1)).cpu().data<float>().ToArray(); // [B, ΣD]
    }
}

/// <summary>What is cut from a cache for some encoders.</summary>
internal static class EvaluationViews
{
    /// <summary>Dense test windows and crops.</summary>
    public static EvaluationOptions Test(EvaluationConfig config, IReadOnlyList<EvaluationEncoder> encoders, EvaluationSet set) =>
        Of(config, encoders, set) with { Windows = config.Test.Windows, Crops = config.Test.Crops };

    /// <summary>Training windows, augmented where the configuration says so.</summary>
    public static EvaluationOptions Train(EvaluationConfig config, IReadOnlyList<EvaluationEncoder> encoders, EvaluationSet set)
    {
        var t = config.Train;
        return Of(config, encoders, set) with
        {
            Windows = t.Windows,
            Augmentation = t.Augment ? Augmentation(t) : null,
            RandAugment = t.RandOperations > 0 ? new RandAugmentOptions { Operations = t.RandOperations, Magnitude = t.RandMagnitude } : null,
            Erasing = t.Erasing > 0 ? new RandomErasingOptions { Probability = t.Erasing } : null,
        };
    }

    private static EvaluationOptions Of(EvaluationConfig config, IReadOnlyList<EvaluationEncoder> encoders, EvaluationSet set)
    {
        EncoderSection Said(WeightModality modality) => (encoders.FirstOrDefault(e => e.Modality == modality) ?? encoders[0]).Description;
        EncoderSection audio = Said(WeightModality.Audio), video = Said(WeightModality.Video);
        return new EvaluationOptions
        {
            BatchSize = config.Batch,
            Modalities = encoders.Aggregate(Modalities.None, (all, e) => all | (e.Modality == WeightModality.Video ? Modalities.Video : Modalities.Audio)),
            Clips = set.Clips,
            Fps = video.Fps,
            Frames = video.Frames,
            FrameSize = config.FrameSize ?? video.Size,
            AudioFrames = audio.MelFrames,
            Mel = new LogMelOptions { Mels = audio.Mels },
            AnyFrameRule = config.FrameRule == FrameRule.Any,
            MelMean = audio.MelMean,
            MelStd = audio.MelStd,
            Seed = (ulong)config.Seed,
        };
    }

    private static AugmentationOptions Augmentation(TrainViewSection t) => new()
    {
        GlobalVideo = new VideoViewOptions
        {
            CropScaleMin = t.CropScale[0], CropScaleMax = t.CropScale[1], CropRatioMin = t.CropRatio[0], CropRatioMax = t.CropRatio[1],
            FlipProbability = t.Flip, Brightness = t.Jitter[0], Contrast = t.Jitter[1], Saturation = t.Jitter[2], Hue = t.Jitter[3], GrayProbability = t.Gray,
        },
        GlobalAudio = new SpectrogramViewOptions
        {
            Volume = t.Volume, ResizeCropProbability = t.SpecCrop, TimeWarpWindow = t.TimeWarp,
            FrequencyMasks = t.FrequencyMasks[0], FrequencyMaskBound = t.FrequencyMasks[1], TimeMasks = t.TimeMasks[0], TimeMaskBound = t.TimeMasks[1],
        },
    };
}
