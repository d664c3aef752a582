using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// Random augmentation of frames (Cubuk et al., NeurIPS 2020) with the increasing set of operations; the defaults are fine-tuning's <c>rand-m7-n4-mstd0.5-inc1</c>.
/// The same operations are applied to every frame of a view.
/// </summary>
public sealed record RandAugmentOptions
{
    /// <summary>Strength, 0 … 10. Default 7.</summary>
    public double Magnitude { get; init; } = 7;

    /// <summary>Operations drawn for a view, with replacement. Default 4.</summary>
    public int Operations { get; init; } = 4;

    /// <summary>Standard deviation of an operation's strength around <see cref="Magnitude"/>. Default 0.5.</summary>
    public double MagnitudeDeviation { get; init; } = 0.5;

    /// <summary>Probability that a drawn operation is applied. Default 0.5.</summary>
    public double Probability { get; init; } = 0.5;

    /// <exception cref="UsageException">A value that cannot be drawn with.</exception>
    internal void Validate()
    {
        if (Magnitude is not (>= 0 and <= 10) || Operations < 0 || MagnitudeDeviation is not >= 0 || Probability is not (>= 0 and <= 1))
        {
            throw new UsageException(
                $"random augmentation: magnitude {Magnitude}, {Operations} operations, deviation {MagnitudeDeviation}, probability {Probability}; "
                + "magnitude lies in 0 … 10, probability in 0 … 1, the others are not negative");
        }
    }
}
