using Xkd.Model.Configuration;
using Xkd.Model.Weights;
using Xkd.Pipeline;

namespace Xkd.Model.Evaluation;

/// <summary>What is cut from a cache for some encoders.</summary>
internal static class EvaluationViews
{
    /// <summary>Dense test windows and crops.</summary>
    public static EvaluationOptions Test(EvaluationConfig config, IReadOnlyList<EvaluationEncoder> encoders, EvaluationSet set) => Of(config, encoders, set) with
    {
        Windows = config.Test.Windows,
        Crops = config.Test.Crops,
    };

    /// <summary>Training windows, augmented where the configuration says so.</summary>
    public static EvaluationOptions Train(EvaluationConfig config, IReadOnlyList<EvaluationEncoder> encoders, EvaluationSet set) => Of(config, encoders, set) with
    {
        Windows = config.Train.Windows,
        Augmentation = config.Train.Augment ? Augmentation(config.Train) : null,
        RandAugment = config.Train.RandOperations > 0 ? new RandAugmentOptions { Operations = config.Train.RandOperations, Magnitude = config.Train.RandMagnitude } : null,
        Erasing = config.Train.Erasing > 0 ? new RandomErasingOptions { Probability = config.Train.Erasing } : null,
    };

    private static EvaluationOptions Of(EvaluationConfig config, IReadOnlyList<EvaluationEncoder> encoders, EvaluationSet set)
    {
        EncoderSection d = encoders[0].Description;
        EncoderSection audio = encoders.FirstOrDefault(e => e.Modality == WeightModality.Audio)?.Description ?? d;
        EncoderSection video = encoders.FirstOrDefault(e => e.Modality == WeightModality.Video)?.Description ?? d;
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
