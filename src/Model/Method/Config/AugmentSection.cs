using Xkd.Pipeline;

namespace Xkd.Model.Method;

/// <summary>The random part of the views. Probabilities are per clip and view.</summary>
public sealed record AugmentSection
{
    /// <summary>Area of the global crop, share of the frame. Default [0.2, 1].</summary>
    [Within(1e-4, 1, Items = "from, to", Rising = true)]
    public double[] GlobalCropScale { get; init; } = [0.2, 1];

    /// <summary>Area of a local crop, share of the frame. Default [0.08, 0.4].</summary>
    [Within(1e-4, 1, Items = "from, to", Rising = true)]
    public double[] LocalCropScale { get; init; } = [0.08, 0.4];

    /// <summary>Width to height of a crop before it is resized to a square. Default [3/4, 4/3].</summary>
    [Within(1e-2, 1e2, Items = "from, to", Rising = true)]
    public double[] CropRatio { get; init; } = [0.75, 4.0 / 3];

    /// <summary>Horizontal flip probability. Default 0.5.</summary>
    [Within(0, 1)]
    public double Flip { get; init; } = 0.5;

    /// <summary>Probability of colour jitter. Default 1, as the released code jitters every clip.</summary>
    [Within(0, 1)]
    public double JitterProbability { get; init; } = 1;

    /// <summary>Strengths of brightness, contrast, saturation and hue jitter. Default [0.4, 0.4, 0.4, 0.2].</summary>
    [Within(0, 100, Items = "brightness, contrast, saturation, hue")]
    public double[] Jitter { get; init; } = [0.4, 0.4, 0.4, 0.2];

    /// <summary>Probability of gray local views. Default 0.2.</summary>
    [Within(0, 1)]
    public double LocalGray { get; init; } = 0.2;

    /// <summary>Probability of blurred local views. Default 0.5.</summary>
    [Within(0, 1)]
    public double LocalBlur { get; init; } = 0.5;

    /// <summary>Blur with a drawn isotropic sigma, or the released code's fixed (0.1, 2.0), practically vertical one. Default drawn.</summary>
    public BlurSigma BlurSigma { get; init; } = BlurSigma.Drawn;

    /// <summary>Largest relative change of volume, global view. Default 0.1.</summary>
    [Within(0, 1)]
    public double GlobalVolume { get; init; } = 0.1;

    /// <summary>Largest relative change of volume, local views. Default 0.2.</summary>
    [Within(0, 1)]
    public double LocalVolume { get; init; } = 0.2;

    /// <summary>Canvas (mel, time) of the local spectrogram resize-crop, relative to the spectrogram. Default [1, 1.5].</summary>
    [Within(1, 10, Items = "frequency, time")]
    public double[] LocalSpecCanvas { get; init; } = [1, 1.5];

    /// <summary>Frequency scale of the local spectrogram crop. Default [0.6, 1.5].</summary>
    [Within(1e-2, 10, Items = "from, to", Rising = true)]
    public double[] LocalSpecFrequency { get; init; } = [0.6, 1.5];

    /// <summary>Time scale of the local spectrogram crop. Default [0.6, 1.5].</summary>
    [Within(1e-2, 10, Items = "from, to", Rising = true)]
    public double[] LocalSpecTime { get; init; } = [0.6, 1.5];
}
