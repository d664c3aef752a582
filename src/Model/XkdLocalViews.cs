namespace Xkd.Model;

/// <summary>Number and shape of the local views, for what depends on them without seeing data. Defaults: the published XKD recipe.</summary>
public sealed record XkdLocalViews
{
    /// <summary>Local video views per clip. Default 1 (MAS and MATS: 3).</summary>
    public int Video { get; init; } = 1;

    /// <summary>Frames of a local video view. Default 8.</summary>
    public int Frames { get; init; } = 8;

    /// <summary>Height and width of a local video view in pixels. Default 96.</summary>
    public int Size { get; init; } = 96;

    /// <summary>Local audio views per clip. Default 1.</summary>
    public int Audio { get; init; } = 1;

    /// <summary>Spectrogram frames of a local audio view. Default 112 (1 s).</summary>
    public int MelFrames { get; init; } = 112;
}
