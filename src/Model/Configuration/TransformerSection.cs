namespace Xkd.Model.Configuration;

/// <summary>One stack of transformer blocks.</summary>
public sealed record TransformerSection
{
    /// <summary>Width of a token.</summary>
    [Within(1, 65_536)]
    public int Dim { get; init; }

    /// <summary>Number of blocks.</summary>
    [Within(1, 1000)]
    public int Depth { get; init; }

    /// <summary>Attention heads; divides the width.</summary>
    [Within(1, 1024)]
    public int Heads { get; init; }
}
