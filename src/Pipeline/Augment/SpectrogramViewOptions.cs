namespace Xkd.Pipeline;

/// <summary>How spectrogram views of one kind are drawn. The defaults are the released recipe's global view.</summary>
public sealed record SpectrogramViewOptions
{
    /// <summary>Views of this kind per clip. Default 1.</summary>
    public int Views { get; init; } = 1;

    /// <summary>Spectrogram frames of a view. Default 448 (4 s at 16 kHz, hop 143).</summary>
    public int Frames { get; init; } = 448;

    /// <summary>Volume factor is drawn from 1 ± this. Default 0.1; local views 0.2.</summary>
    public double Volume { get; init; } = 0.1;

    /// <summary>Probability of a resize-crop. Default 0; local views 1.</summary>
    public double ResizeCropProbability { get; init; }

    /// <summary>Height of the zero canvas, in spectrogram heights. Default 1.</summary>
    public double CanvasFrequency { get; init; } = 1;

    /// <summary>Width of the zero canvas, in spectrogram widths. Default 1.5.</summary>
    public double CanvasTime { get; init; } = 1.5;

    /// <summary>Smallest height of the crop, in spectrogram heights. Default 0.6.</summary>
    public double FrequencyScaleMin { get; init; } = 0.6;

    /// <summary>Largest height of the crop, in spectrogram heights; what exceeds the canvas is cut. Default 1.5.</summary>
    public double FrequencyScaleMax { get; init; } = 1.5;

    /// <summary>Smallest width of the crop, in spectrogram widths. Default 0.6.</summary>
    public double TimeScaleMin { get; init; } = 0.6;

    /// <summary>Largest width of the crop, in spectrogram widths; what exceeds the canvas is cut. Default 1.5.</summary>
    public double TimeScaleMax { get; init; } = 1.5;

    /// <summary>Farthest that a time warp moves its centre, in frames. Default 0: no warp, as in the recipe.</summary>
    public int TimeWarpWindow { get; init; }

    /// <summary>Frequency masks. Default 0, as in the recipe.</summary>
    public int FrequencyMasks { get; init; }

    /// <summary>Exclusive upper bound of a frequency mask's height, in bands. Default 30.</summary>
    public int FrequencyMaskBound { get; init; } = 30;

    /// <summary>Time masks. Default 0, as in the recipe.</summary>
    public int TimeMasks { get; init; }

    /// <summary>Exclusive upper bound of a time mask's width, in frames. Default 40.</summary>
    public int TimeMaskBound { get; init; } = 40;

    /// <summary>What masks are filled with. Default the view's mean.</summary>
    public MaskFill MaskFill { get; init; } = MaskFill.Mean;

    /// <summary>The released recipe's local view: 1 s, louder volume changes, resize-crop.</summary>
    public static SpectrogramViewOptions Local { get; } = new() { Frames = 112, Volume = 0.2, ResizeCropProbability = 1 };
}
