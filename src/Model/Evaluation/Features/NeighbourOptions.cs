namespace Xkd.Model.Evaluation;

/// <summary>Options of <see cref="NearestNeighbours"/>.</summary>
public sealed record NeighbourOptions
{
    /// <summary>Neighbours that vote; clamped to the number of training clips. Default 20.</summary>
    public int K { get; init; } = 20;

    /// <summary>A neighbour of cosine similarity s votes with exp(s / temperature). Default 0.07.</summary>
    public double Temperature { get; init; } = 0.07;
}
