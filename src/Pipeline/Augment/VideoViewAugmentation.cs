namespace Xkd.Pipeline;

/// <summary>Everything drawn for one video view; the same for all its frames. Applied in the order of the properties.</summary>
public sealed record VideoViewAugmentation
{
    /// <summary>Part of the frame that fills the view.</summary>
    public CropBox Crop { get; init; }

    /// <summary>Mirror left and right.</summary>
    public bool Flip { get; init; }

    /// <summary>Colour changes, or none.</summary>
    public ColorJitter? Jitter { get; init; }

    /// <summary>Luma in all three channels.</summary>
    public bool Gray { get; init; }

    /// <summary>Blur, or none.</summary>
    public GaussianBlur? Blur { get; init; }

    /// <summary>Random augmentation of the whole frames, before they are cropped, in order; only fine-tuning's views have any.</summary>
    public IReadOnlyList<RandAugmentStep> Rand { get; init; } = [];

    /// <summary>Which of the crops along the long side it is, 0, 1 or 2; only test-time views have several.</summary>
    public int TestCrop { get; init; }

    /// <summary>What is erased of the finished view, or nothing.</summary>
    public ErasedBox? Erased { get; init; }
}
