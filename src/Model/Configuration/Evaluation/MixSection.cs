namespace Xkd.Model.Configuration;

/// <summary>Mixing of a batch's clips and labels, and label smoothing; single-label only.</summary>
public sealed record MixSection
{
    /// <summary>α of Mixup; 0 turns it off. Default 0.</summary>
    [Within(0, 1000)]
    public double Mixup { get; init; }

    /// <summary>α of CutMix; 0 turns it off. Default 0.</summary>
    [Within(0, 1000)]
    public double Cutmix { get; init; }

    /// <summary>Probability that a batch is mixed. Default 1.</summary>
    [Within(0, 1)]
    public double Probability { get; init; } = 1;

    /// <summary>Probability of CutMix where both are on. Default 0.5.</summary>
    [Within(0, 1)]
    public double Switch { get; init; } = 0.5;

    /// <summary>Label smoothing. Default 0.</summary>
    [Within(0, 1)]
    public double LabelSmoothing { get; init; }

    /// <summary>As released: CutMix cuts time and height instead of height and width. Default false.</summary>
    public bool CutmixTimeAndHeight { get; init; }

    internal bool Any => Mixup > 0 || Cutmix > 0;
}
