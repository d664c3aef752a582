namespace Xkd.Model.Evaluation;

/// <summary>Options of <see cref="MixAugmentation"/>; the fine-tuning recipe's values are the configuration's to give.</summary>
public sealed record MixOptions
{
    /// <summary>α of Mixup's Beta(α, α); 0 turns Mixup off. Default 0.8.</summary>
    public double MixupAlpha { get; init; } = 0.8;

    /// <summary>α of CutMix's Beta(α, α); 0 turns CutMix off. Default 1.</summary>
    public double CutMixAlpha { get; init; } = 1;

    /// <summary>Probability that a batch is mixed at all. Default 1.</summary>
    public double Probability { get; init; } = 1;

    /// <summary>Probability of CutMix where both are on. Default 0.5.</summary>
    public double SwitchProbability { get; init; } = 0.5;

    /// <summary>Label smoothing s: off s/K, on 1 − s + s/K. Default 0.1.</summary>
    public double LabelSmoothing { get; init; } = 0.1;

    /// <summary>
    /// As released: CutMix on a clip [B, C, T, H, W] cuts axes 2 and 3, time and height, with a box drawn for height and width. Default false: height and width are cut, in every frame.
    /// </summary>
    public bool CutTimeAndHeight { get; init; }
}
