namespace Xkd.Model.Configuration;

/// <summary>Training views. Without augmentation windows are evenly spaced and centre-cropped, with it they begin anywhere.</summary>
public sealed record TrainViewSection
{
    /// <summary>Windows per clip: features taken of it, or visits an epoch. Default 1.</summary>
    [Within(1, 10_000)]
    public int Windows { get; init; } = 1;

    /// <summary>Whether views are augmented at all. Default false.</summary>
    public bool Augment { get; init; }

    /// <summary>Area of the crop, share of the frame. Default [0.08, 1].</summary>
    [Within(0, 1, Above = true)]
    public double[] CropScale { get; init; } = [0.08, 1];

    /// <summary>Width to height of the crop before it is resized to a square. Default [3/4, 4/3].</summary>
    [Within(0, 100, Above = true)]
    public double[] CropRatio { get; init; } = [0.75, 4.0 / 3];

    /// <summary>Horizontal flip probability. Default 0.5.</summary>
    [Within(0, 1)]
    public double Flip { get; init; } = 0.5;

    /// <summary>Strengths of brightness, contrast, saturation and hue jitter. Default [0, 0, 0, 0].</summary>
    [Within(0, 100)]
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
    [Within(0, 100_000)]
    public int[] FrequencyMasks { get; init; } = [0, 10];

    /// <summary>Number of time masks and exclusive upper bound of their width in frames. Default [0, 20].</summary>
    [Within(0, 100_000)]
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
