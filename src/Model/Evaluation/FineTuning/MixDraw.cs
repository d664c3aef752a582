namespace Xkd.Model.Evaluation;

/// <summary>What was drawn for one batch.</summary>
public sealed record MixDraw
{
    /// <summary>Share of the sample itself, 0 … 1; the rest is its partner's. For CutMix the box's clipped area decides it.</summary>
    public required double Lambda { get; init; }

    /// <summary>The cut box; null for Mixup.</summary>
    public CutBox? Box { get; init; }

    /// <summary>Nothing is mixed.</summary>
    public static MixDraw None { get; } = new() { Lambda = 1 };
}
