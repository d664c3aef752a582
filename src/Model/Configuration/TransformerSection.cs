namespace Xkd.Model.Configuration;

/// <summary>One stack of transformer blocks.</summary>
public sealed record TransformerSection
{
    /// <summary>Width of a token.</summary>
    public int Dim { get; init; }

    /// <summary>Number of blocks.</summary>
    public int Depth { get; init; }

    /// <summary>Attention heads; divides the width.</summary>
    public int Heads { get; init; }
}
