namespace Xkd.Model.Optimization;

/// <summary>AdamW's constants.</summary>
public sealed record AdamWOptions
{
    /// <summary>Decay of the gradient's running mean. Default 0.9.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay of the squared gradient's running mean. Default 0.95.</summary>
    public double Beta2 { get; init; } = 0.95;

    /// <summary>Added to the denominator. Default 1e-8.</summary>
    public double Eps { get; init; } = 1e-8;
}
