namespace Xkd.Pipeline;

/// <summary>One line, class of points, part of bars, or row of a heat map. A null is a gap.</summary>
public sealed record PageSeries
{
    /// <summary>What the legend calls it.</summary>
    public required string Name { get; init; }

    /// <summary>Positions along x; of a heat map where each interval starts.</summary>
    public IReadOnlyList<double> X { get; init; } = [];

    /// <summary>Values; of bars their lengths, of a heat map shares from 0 to 1.</summary>
    public required IReadOnlyList<double?> Y { get; init; }

    /// <summary>Of a heat map: where each interval ends.</summary>
    public IReadOnlyList<double>? Ends { get; init; }

    /// <summary>Of bars the row that each length belongs to, of points what the pointer shows.</summary>
    public IReadOnlyList<string>? Text { get; init; }

    /// <summary>Colour, such as <c>#1f77c9</c>.</summary>
    public required string Colour { get; init; }

    /// <summary>Plotly's name of the line's dash.</summary>
    public string? Dash { get; init; }

    /// <summary>Plotly's name of the points' symbol.</summary>
    public string? Symbol { get; init; }
}
