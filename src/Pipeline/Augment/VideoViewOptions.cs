namespace Xkd.Pipeline;

/// <summary>How video views of one kind are drawn. The defaults are the released recipe's global view.</summary>
public sealed record VideoViewOptions
{
    /// <summary>Views of this kind per clip. Default 1.</summary>
    public int Views { get; init; } = 1;

    /// <summary>Consecutive frames of a view. Default 32 (4 s at 8 fps).</summary>
    public int Frames { get; init; } = 32;

    /// <summary>Rows and columns of a view, in pixels. Default 112.</summary>
    public int Size { get; init; } = 112;

    /// <summary>Smallest area of the crop, as a share of the frame. Default 0.2.</summary>
    public double CropScaleMin { get; init; } = 0.2;

    /// <summary>Largest area of the crop, as a share of the frame. Default 1.</summary>
    public double CropScaleMax { get; init; } = 1;

    /// <summary>Smallest width : height of the crop. Default 3/4.</summary>
    public double CropRatioMin { get; init; } = 3.0 / 4;

    /// <summary>Largest width : height of the crop. Default 4/3.</summary>
    public double CropRatioMax { get; init; } = 4.0 / 3;

    /// <summary>Probability of mirroring. Default 0.5.</summary>
    public double FlipProbability { get; init; } = 0.5;

    /// <summary>Probability of any colour jitter. Default 1: the reference always jitters.</summary>
    public double JitterProbability { get; init; } = 1;

    /// <summary>Brightness factor is drawn from 1 ± this, not below 0. Default 0.4.</summary>
    public double Brightness { get; init; } = 0.4;

    /// <summary>Contrast factor is drawn from 1 ± this, not below 0. Default 0.4.</summary>
    public double Contrast { get; init; } = 0.4;

    /// <summary>Saturation factor is drawn from 1 ± this, not below 0. Default 0.4.</summary>
    public double Saturation { get; init; } = 0.4;

    /// <summary>Hue turn is drawn from ± this share of the circle, at most 0.5. Default 0.2.</summary>
    public double Hue { get; init; } = 0.2;

    /// <summary>Probability of grayscale. Default 0; local views 0.2.</summary>
    public double GrayProbability { get; init; }

    /// <summary>Probability of blur. Default 0; local views 0.5.</summary>
    public double BlurProbability { get; init; }

    /// <summary>Where the width of the blur comes from. Default drawn.</summary>
    public BlurSigma BlurSigma { get; init; } = BlurSigma.Drawn;

    /// <summary>Smallest width of the blur, in pixels (released: the width across). Default 0.1.</summary>
    public double BlurSigmaMin { get; init; } = 0.1;

    /// <summary>Largest width of the blur, in pixels (released: the width down). Default 2.</summary>
    public double BlurSigmaMax { get; init; } = 2;

    /// <summary>The released recipe's local view: 8 frames of 96×96, small crops, gray 0.2, blur 0.5.</summary>
    public static VideoViewOptions Local { get; } = new()
    {
        Frames = 8,
        Size = 96,
        CropScaleMin = 0.08,
        CropScaleMax = 0.4,
        GrayProbability = 0.2,
        BlurProbability = 0.5,
    };
}
