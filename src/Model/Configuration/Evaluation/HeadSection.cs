namespace Xkd.Model.Configuration;

/// <summary>What stands between the encoder's features and the scores.</summary>
public sealed record HeadSection
{
    /// <summary>Scale each feature vector to unit length first. Default false.</summary>
    public bool UnitLength { get; init; }

    /// <summary>Batch norm over the features. Default false.</summary>
    public bool BatchNorm { get; init; }

    /// <summary>Probability that a feature is dropped in training. Default 0.</summary>
    [Within(0, 1)]
    public double Dropout { get; init; }
}
