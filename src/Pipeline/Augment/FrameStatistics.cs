namespace Xkd.Pipeline;

/// <summary>Channel means and deviations that frames are normalised by, of values in [0, 1]: ImageNet's, as of the published encoders.</summary>
public static class FrameStatistics
{
    public static IReadOnlyList<float> Mean { get; } = [0.485f, 0.456f, 0.406f];

    public static IReadOnlyList<float> Std { get; } = [0.229f, 0.224f, 0.225f];
}
