namespace Xkd.Pipeline;

/// <summary>Everything drawn for one spectrogram view. Applied in the order of the properties.</summary>
public sealed record SpectrogramViewAugmentation
{
    /// <summary>Factor on the waveform; 1 changes nothing.</summary>
    public double Volume { get; init; } = 1;

    /// <summary>Resize-crop, or none.</summary>
    public SpectrogramCrop? ResizeCrop { get; init; }

    /// <summary>Time warp, or none.</summary>
    public TimeWarp? Warp { get; init; }

    /// <summary>Masks.</summary>
    public IReadOnlyList<SpectrogramMask> Masks { get; init; } = [];

    /// <summary>What masks are filled with.</summary>
    public MaskFill MaskFill { get; init; }
}
