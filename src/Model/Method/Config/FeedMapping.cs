using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Model.Method;

/// <summary>A run's configuration as the options of its feed, which knows no configuration.</summary>
public static class FeedMapping
{
    // What the released weights were trained with (natural-log mel of Kinetics-400 audio).
    private const double ReleasedMelMean = -5.3688107, ReleasedMelStd = 4.410007;

    /// <summary>What is cut from the cache; <paramref name="cores"/> tells how many this process has to itself; 0: all of the machine.</summary>
    public static FeedOptions ToFeed(this PretrainConfig config, double melMean, double melStd, PipelineGraphOptions diagnostics, int cores = 0) => new()
    {
        Seed = (ulong)config.Seed,
        BatchSize = config.Batch,
        Sample = config.Data.Sample,
        Order = config.Data.Order,
        OrderBlock = config.Data.OrderBlock,
        OrderWindow = config.Data.OrderWindow,
        Fps = config.Data.Fps,
        Frames = config.Data.GlobalFrames,
        FrameSize = config.Data.GlobalSize,
        AudioFrames = config.Data.GlobalMelFrames,
        LocalVideoViews = config.Data.LocalVideoViews,
        LocalFrames = config.Data.LocalFrames,
        LocalFrameSize = config.Data.LocalSize,
        LocalAudioViews = config.Data.LocalAudioViews,
        LocalAudioFrames = config.Data.LocalMelFrames,
        LocalFrom = config.Data.LocalFrom,
        Mel = new LogMelOptions { Mels = config.Data.Mels },
        RequireWaveform = config.Data.Spectrogram == SpectrogramSource.PerWindow,
        AnyFrameRule = config.Data.FrameRule == FrameRule.Any,
        MelMean = melMean,
        MelStd = melStd,
        Augmentation = config.Augment.ToAugmentation(),
        VideoTokens = config.VideoGeometry.Tokens,
        AudioTokens = config.AudioGeometry.Tokens,
        // The training thread keeps a core to itself where there is more than one.
        Workers = config.Data.Workers > 0 ? config.Data.Workers : Math.Max(1, CoresOf(cores) - 1),
        Readers = config.Data.Readers,
        Cores = CoresOf(cores),
        MemoryBudget = config.Data.PrefetchBytes,
        CorruptRows = config.Data.OnCorrupt,
        Diagnostics = diagnostics,
    };

    private static int CoresOf(int cores) => cores > 0 ? cores : Environment.ProcessorCount;

    /// <summary>Mean and standard deviation that normalise the log-mel, given those of the cache.</summary>
    public static (double Mean, double Std) MelScale(this PretrainConfig config, MelStatistics cache) => config.Data.MelNormalization == MelNormalization.Released
        ? (ReleasedMelMean, ReleasedMelStd)
        : (cache.Mean, cache.Std);

    private static AugmentationOptions ToAugmentation(this AugmentSection a) => new()
    {
        GlobalVideo = Jittered(new VideoViewOptions(), a) with { CropScaleMin = a.GlobalCropScale[0], CropScaleMax = a.GlobalCropScale[1] },
        LocalVideo = Jittered(VideoViewOptions.Local, a) with
        {
            CropScaleMin = a.LocalCropScale[0],
            CropScaleMax = a.LocalCropScale[1],
            GrayProbability = a.LocalGray,
            BlurProbability = a.LocalBlur,
            BlurSigma = a.BlurSigma,
        },
        GlobalAudio = new SpectrogramViewOptions { Volume = a.GlobalVolume },
        LocalAudio = SpectrogramViewOptions.Local with
        {
            Volume = a.LocalVolume,
            CanvasFrequency = a.LocalSpecCanvas[0],
            CanvasTime = a.LocalSpecCanvas[1],
            FrequencyScaleMin = a.LocalSpecFrequency[0],
            FrequencyScaleMax = a.LocalSpecFrequency[1],
            TimeScaleMin = a.LocalSpecTime[0],
            TimeScaleMax = a.LocalSpecTime[1],
        },
    };

    private static VideoViewOptions Jittered(VideoViewOptions view, AugmentSection a) => view with
    {
        CropRatioMin = a.CropRatio[0],
        CropRatioMax = a.CropRatio[1],
        FlipProbability = a.Flip,
        JitterProbability = a.JitterProbability,
        Brightness = a.Jitter[0],
        Contrast = a.Jitter[1],
        Saturation = a.Jitter[2],
        Hue = a.Jitter[3],
    };
}
