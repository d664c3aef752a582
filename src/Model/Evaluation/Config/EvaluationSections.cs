using Xkd.Model.Method;
using Xkd.Pipeline;

namespace Xkd.Model.Evaluation;

/// <summary>Which splits of the caches are used where they hold several; a cache of one split, or without any, is used whole.</summary>
public sealed record SplitSection
{
    /// <summary>The split trained on. Default train.</summary>
    public string Train { get; init; } = "train";

    /// <summary>The split tested on. Default empty: the first of test, eval and val that the cache has.</summary>
    public string Test { get; init; } = string.Empty;

    /// <summary>Share of each class's recordings that is tested where one cache without folds and splits is given for both. Default 0.2.</summary>
    [Within(0, 1, Above = true)]
    public double HeldOut { get; init; } = 0.2;
}

/// <summary>
/// What a weight file does not say about its encoder; a run's folder and an export of one say it themselves and are believed. The defaults are the released
/// weights': depth, width and the number of tokens are read off the tensors.
/// </summary>
public sealed record EncoderSection
{
    /// <summary>Attention heads. Default 0: one per 64 features.</summary>
    [Within(0, 1024)]
    public int Heads { get; init; }

    /// <summary>Frames a second. Default 8.</summary>
    [Within(0, 1000, Above = true)]
    public double Fps { get; init; } = 8;

    /// <summary>Frames of the native clip. Default 32.</summary>
    [Within(1, 4096)]
    public int Frames { get; init; } = 32;

    /// <summary>Height and width of the native clip, pixels. Default 112.</summary>
    [Within(1, 4096)]
    public int Size { get; init; } = 112;

    /// <summary>Cuboid of one video token: frames, height, width. Default [4, 16, 16].</summary>
    [Within(1, 4096, Items = "frames, height, width")]
    public int[] VideoPatch { get; init; } = [4, 16, 16];

    /// <summary>Mel bands. Default 80.</summary>
    [Within(1, 1024)]
    public int Mels { get; init; } = 80;

    /// <summary>Spectrogram frames of the native view. Default 448.</summary>
    [Within(1, 100_000)]
    public int MelFrames { get; init; } = 448;

    /// <summary>Patch of one audio token: mels, spectrogram frames. Default [4, 16].</summary>
    [Within(1, 100_000, Items = "mels, frames")]
    public int[] AudioPatch { get; init; } = [4, 16];

    /// <summary>Mean of the log-mel it was trained with. Default −5.3688107: Kinetics-400.</summary>
    [Within(-1e6, 1e6)]
    public double MelMean { get; init; } = -5.3688107;

    /// <summary>Standard deviation of that log-mel. Default 4.410007.</summary>
    [Within(1e-6, 1e6)]
    public double MelStd { get; init; } = 4.410007;
}

/// <summary>Training views. Without augmentation windows are evenly spaced and centre-cropped, with it they begin anywhere.</summary>
public sealed record TrainViewSection
{
    /// <summary>Windows per clip: features taken of it, or visits an epoch. Default 1.</summary>
    [Within(1, 10_000)]
    public int Windows { get; init; } = 1;

    /// <summary>Whether views are augmented at all. Default false.</summary>
    public bool Augment { get; init; }

    /// <summary>Area of the crop, share of the frame. Default [0.08, 1].</summary>
    [Within(0, 1, Above = true, Items = "from, to", Rising = true)]
    public double[] CropScale { get; init; } = [0.08, 1];

    /// <summary>Width to height of the crop before it is resized to a square. Default [3/4, 4/3].</summary>
    [Within(0, 100, Above = true, Items = "from, to", Rising = true)]
    public double[] CropRatio { get; init; } = [0.75, 4.0 / 3];

    /// <summary>Horizontal flip probability. Default 0.5.</summary>
    [Within(0, 1)]
    public double Flip { get; init; } = 0.5;

    /// <summary>Strengths of brightness, contrast, saturation and hue jitter. Default [0, 0, 0, 0].</summary>
    [Within(0, 100, Items = "brightness, contrast, saturation, hue")]
    public double[] Jitter { get; init; } = [0, 0, 0, 0];

    /// <summary>Probability of gray views. Default 0.</summary>
    [Within(0, 1)]
    public double Gray { get; init; }

    /// <summary>Largest relative change of volume. Default 0.</summary>
    [Within(0, 1)]
    public double Volume { get; init; }

    /// <summary>Probability of a spectrogram resize-crop. Default 0.</summary>
    [Within(0, 1)]
    public double SpecCrop { get; init; }

    /// <summary>Farthest that a time warp moves its centre, in spectrogram frames. Default 0: no warp.</summary>
    [Within(0, 100_000)]
    public int TimeWarp { get; init; }

    /// <summary>Number of frequency masks and exclusive upper bound of their height in bands. Default [0, 10].</summary>
    [Within(0, 100_000, Items = "number, bound")]
    public int[] FrequencyMasks { get; init; } = [0, 10];

    /// <summary>Number of time masks and exclusive upper bound of their width in frames. Default [0, 20].</summary>
    [Within(0, 100_000, Items = "number, bound")]
    public int[] TimeMasks { get; init; } = [0, 20];

    /// <summary>Operations of random augmentation per view; 0 turns it off. Default 0.</summary>
    [Within(0, 1000)]
    public int RandOperations { get; init; }

    /// <summary>Strength of random augmentation, 0 … 10. Default 7.</summary>
    [Within(0, 10)]
    public double RandMagnitude { get; init; } = 7;

    /// <summary>Probability of erasing a box of the view. Default 0.</summary>
    [Within(0, 1)]
    public double Erasing { get; init; }
}

/// <summary>Dense testing.</summary>
public sealed record TestViewSection
{
    /// <summary>Windows per clip, evenly spaced from its beginning to its end; one is centred. Default 1.</summary>
    [Within(1, 10_000)]
    public int Windows { get; init; } = 1;

    /// <summary>Spatial views of each window: the centre, three along the long side, or the released three identical ones. Default centre.</summary>
    public TestCrops Crops { get; init; } = TestCrops.Centre;

    /// <summary>How the scores of a clip's views become one. Default mean.</summary>
    public ClipEnsemble Ensemble { get; init; } = ClipEnsemble.Mean;

    /// <summary>
    /// What counts once: a recording, the scores of whose segments are averaged (per_video), or every segment by itself (per_clip). Default per_video.
    /// </summary>
    public SampleUnit Sample { get; init; } = SampleUnit.PerVideo;
}
