namespace Xkd.Model.Evaluation;

/// <summary>Options of <see cref="ClassifierHead"/>.</summary>
public sealed record ClassifierOptions
{
    /// <summary>Scale each feature vector to unit length first. Default false.</summary>
    public bool UnitLength { get; init; }

    /// <summary>Batch norm over the features. Default false.</summary>
    public bool BatchNorm { get; init; }

    /// <summary>Probability that a feature is dropped in training, 0 … 1; 0 means no dropout. Default 0.</summary>
    public double Dropout { get; init; }
}
