using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>The views of a clip and how each is drawn. The defaults are the released recipe (arXiv 2211.13929, one local view of each kind).</summary>
public sealed record AugmentationOptions
{
    /// <summary>Global video views.</summary>
    public VideoViewOptions GlobalVideo { get; init; } = new();

    /// <summary>Local video views.</summary>
    public VideoViewOptions LocalVideo { get; init; } = VideoViewOptions.Local;

    /// <summary>Global audio views.</summary>
    public SpectrogramViewOptions GlobalAudio { get; init; } = new();

    /// <summary>Local audio views.</summary>
    public SpectrogramViewOptions LocalAudio { get; init; } = SpectrogramViewOptions.Local;

    /// <summary>Mean of the log-mel. Default that of the released weights.</summary>
    public double MelMean { get; init; } = -5.3688107;

    /// <summary>Standard deviation of the log-mel. Default that of the released weights.</summary>
    public double MelStd { get; init; } = 4.410007;

    /// <summary>The epsilon inside the cached log-mel, needed to change its volume. Default 2^-23.</summary>
    public double LogEpsilon { get; init; } = 1.1920928955078125e-07;

    /// <summary>Refuses what cannot be drawn.</summary>
    /// <exception cref="UsageException">Every impossible value, one line each.</exception>
    public void Validate()
    {
        var errors = new List<string>();
        Check(GlobalVideo, "global video", errors);
        Check(LocalVideo, "local video", errors);
        Check(GlobalAudio, "global audio", errors);
        Check(LocalAudio, "local audio", errors);
        if (!(MelStd > 0))
        {
            errors.Add($"mel standard deviation is {MelStd}: it must be positive.");
        }
        if (errors.Count > 0)
        {
            throw new UsageException(string.Join("\n  ", errors));
        }
    }

    private static void Check(VideoViewOptions view, string name, List<string> errors)
    {
        Require(view.Views >= 0 && view.Frames >= 1 && view.Size >= 1, name, $"{view.Views} views of {view.Frames} frames at {view.Size} pixels", "take positive sizes", errors);
        Ordered(view.CropScaleMin, view.CropScaleMax, 1, name, "crop scale", errors);
        Ordered(view.CropRatioMin, view.CropRatioMax, double.MaxValue, name, "crop ratio", errors);
        Ordered(view.BlurSigmaMin, view.BlurSigmaMax, double.MaxValue, name, "blur sigma", errors);
        var jitter = view is { Brightness: >= 0, Contrast: >= 0, Saturation: >= 0, Hue: >= 0 and <= 0.5 };
        Require(jitter, name, $"jitter {view.Brightness}/{view.Contrast}/{view.Saturation}/{view.Hue}", "take values from 0, hue at most 0.5", errors);
    }

    private static void Check(SpectrogramViewOptions view, string name, List<string> errors)
    {
        Require(view.Views >= 0 && view.Frames >= 1, name, $"{view.Views} views of {view.Frames} frames", "take positive sizes", errors);
        Require(view.Volume is >= 0 and < 1, name, $"volume change {view.Volume}", "take a value from 0 to below 1", errors);
        Require(view.CanvasFrequency >= 1 && view.CanvasTime >= 1, name, $"canvas {view.CanvasFrequency} x {view.CanvasTime}", "a canvas holds the whole spectrogram: take factors from 1", errors);
        Ordered(view.FrequencyScaleMin, view.FrequencyScaleMax, double.MaxValue, name, "frequency scale", errors);
        Ordered(view.TimeScaleMin, view.TimeScaleMax, double.MaxValue, name, "time scale", errors);
    }

    private static void Ordered(double low, double high, double limit, string name, string what, List<string> errors) =>
        Require(low > 0 && low <= high && high <= limit, name, $"{what} [{low}, {high}]", "take 0 < low <= high" + (limit < double.MaxValue ? $" <= {limit}" : string.Empty), errors);

    private static void Require(bool holds, string name, string value, string fix, List<string> errors)
    {
        if (!holds)
        {
            errors.Add($"{name}: {value} cannot be drawn; {fix}.");
        }
    }
}
