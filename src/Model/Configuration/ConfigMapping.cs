using TorchSharp;
using Xkd.Model.Augment;
using Xkd.Model.Distributed;
using Xkd.Model.Networks;
using Xkd.Model.Optimization;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Model.Configuration;

/// <summary>A run's configuration as the options of the parts it is made of.</summary>
public static class ConfigMapping
{
    // What the released weights were trained with (natural-log mel of Kinetics-400 audio).
    private const double ReleasedMelMean = -5.3688107, ReleasedMelStd = 4.410007;

    /// <summary>The networks and the objective.</summary>
    public static XkdOptions ToModel(this PretrainConfig config) => new()
    {
        Variant = config.Variant,
        Video = new VideoGeometry
        {
            Frames = config.Data.GlobalFrames,
            Height = config.Data.GlobalSize,
            Width = config.Data.GlobalSize,
            PatchFrames = config.Model.VideoPatch[0],
            PatchHeight = config.Model.VideoPatch[1],
            PatchWidth = config.Model.VideoPatch[2],
        },
        Audio = new AudioGeometry
        {
            Mels = config.Data.Mels,
            Frames = config.Data.GlobalMelFrames,
            PatchMels = config.Model.AudioPatch[0],
            PatchFrames = config.Model.AudioPatch[1],
        },
        Student = ToTransformer(config.Model.Encoder),
        Teacher = ToTransformer(config.Model.Encoder),
        Decoder = ToTransformer(config.Model.Decoder),
        Projector = new ProjectorOptions
        {
            OutDim = config.Model.Projector.Out,
            Layers = config.Model.Projector.Layers,
            HiddenDim = config.Model.Projector.Hidden,
            BottleneckDim = config.Model.Projector.Bottleneck,
        },
        ClassToken = config.Model.ClassToken,
        NormalisedPatches = config.Objective.NormPix,
        VideoMaskRatio = config.Objective.MaskVideo,
        AudioMaskRatio = config.Objective.MaskAudio,
        Refinement = config.Objective.Refinement,
        AlignWeight = config.Objective.Align,
        DistillationWeight = config.Objective.Cmkd,
        ReconstructionWeight = config.Objective.Recon,
        VideoReconstructionWeight = config.Objective.ReconVideo,
        AudioReconstructionWeight = config.Objective.ReconAudio,
        TeacherView = config.Objective.TeacherView,
        StudentTemperature = config.Objective.StudentTemperature,
        Bandwidth = config.Objective.MmdBandwidth,
        VideoCenterMomentum = config.Objective.CenterMomentum,
        AudioCenterMomentum = config.Objective.CenterMomentum,
    };

    /// <summary>How one optimizer step is done, among these ranks.</summary>
    public static XkdStepOptions ToStep(this PretrainConfig config, RankGroup? ranks = null) => new()
    {
        Exchange = ranks is null || ranks.Size == 1 ? null : new StepExchange(ranks, config.Train.Wire, config.Objective.AlignAllRanks),
        AdamW = new AdamWOptions { Beta1 = config.Optim.Betas[0], Beta2 = config.Optim.Betas[1], Eps = config.Optim.Eps },
        GradientClip = config.Optim.ClipGrad,
        ClipDecoders = config.Optim.ClipDecoder,
        SharedTeacher = config.Optim.SharedTeacherEma,
        Precision = config.Train.Precision,
    };

    /// <summary>The schedules over the run's epochs.</summary>
    public static ScheduleOptions ToSchedule(this PretrainConfig config) => new()
    {
        Epochs = config.Optim.Epochs,
        LearningRate = config.Optim.Lr,
        FinalLearningRate = config.Optim.FinalLr,
        WarmupLearningRate = config.Optim.WarmupLr,
        WarmupEpochs = config.Optim.WarmupEpochs,
        WeightDecay = config.Optim.WeightDecay[0],
        FinalWeightDecay = config.Optim.WeightDecay[1],
        VideoEma = config.Optim.EmaVideo,
        AudioEma = config.Optim.EmaAudio,
        FinalVideoEma = config.Optim.EmaFinal,
        FinalAudioEma = config.Optim.EmaFinal,
        VideoTeacherTemperatureStart = config.Objective.TeacherTempVideo[0],
        VideoTeacherTemperature = config.Objective.TeacherTempVideo[1],
        AudioTeacherTemperatureStart = config.Objective.TeacherTempAudio[0],
        AudioTeacherTemperature = config.Objective.TeacherTempAudio[1],
        TemperatureWarmupEpochs = config.Objective.TempWarmupEpochs,
        VideoStudentTemperature = config.Objective.StudentTempVideo,
        AudioStudentTemperature = config.Objective.StudentTempAudio,
        FreezeLastLayerEpochs = config.Optim.FreezeLastLayerEpochs,
    };

    /// <summary>Whether the device that trains makes the views, a batch at a time.</summary>
    public static bool AugmentsOn(this PretrainConfig config, torch.Device device) =>
        config.Augment.Device == AugmentDevice.Gpu || (config.Augment.Device == AugmentDevice.Auto && device.type == DeviceType.CUDA);

    /// <summary>
    /// What is cut from the cache; <paramref name="model"/> tells how many tokens need masking noise, <paramref name="onDevice"/> whether the
    /// views are made by who takes the batch, <paramref name="cores"/> how many this process has to itself; 0: all of the machine.
    /// </summary>
    public static FeedOptions ToFeed(this PretrainConfig config, XkdOptions model, double melMean, double melStd, PipelineGraphOptions diagnostics, bool onDevice = false, int cores = 0) => new()
    {
        DeferAugmentation = onDevice,
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
        VideoTokens = model.Video.Tokens,
        AudioTokens = model.Audio.Tokens,
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

    /// <summary>The local views, whose work the cost counts.</summary>
    public static XkdLocalViews ToLocalViews(this PretrainConfig config) => new()
    {
        Video = config.Data.LocalVideoViews,
        Frames = config.Data.LocalFrames,
        Size = config.Data.LocalSize,
        Audio = config.Data.LocalAudioViews,
        MelFrames = config.Data.LocalMelFrames,
    };

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

    private static TransformerOptions ToTransformer(TransformerSection section) => new() { Dim = section.Dim, Depth = section.Depth, Heads = section.Heads };
}
