using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>Random erasing (Zhong et al., AAAI 2020): a box of every frame of a normalised view becomes noise. The defaults are fine-tuning's.</summary>
public sealed record RandomErasingOptions
{
    /// <summary>Probability that a view is erased. Default 0.25.</summary>
    public double Probability { get; init; } = 0.25;

    /// <summary>Smallest share of the view. Default 0.02.</summary>
    public double AreaMin { get; init; } = 0.02;

    /// <summary>Largest share of the view. Default 1/3.</summary>
    public double AreaMax { get; init; } = 1.0 / 3;

    /// <summary>Smallest height : width; the largest is its inverse. Default 0.3.</summary>
    public double Aspect { get; init; } = 0.3;

    /// <exception cref="UsageException">A value that cannot be drawn with.</exception>
    internal void Validate()
    {
        if (Probability is not (>= 0 and <= 1) || !(AreaMin > 0 && AreaMin <= AreaMax && AreaMax < 1) || Aspect is not (> 0 and <= 1))
        {
            throw new UsageException($"random erasing: probability {Probability}, area {AreaMin} … {AreaMax}, aspect {Aspect}; take a probability in 0 … 1, areas 0 < min <= max < 1 and an aspect in (0, 1]");
        }
    }
}
