namespace Xkd.Model.Networks;

/// <summary>The size of a stack of transformer blocks.</summary>
public sealed record TransformerOptions
{
    /// <summary>Width of a token. Default 768 (ViT-B).</summary>
    public int Dim { get; init; } = 768;

    /// <summary>Number of blocks. Default 12.</summary>
    public int Depth { get; init; } = 12;

    /// <summary>Attention heads per block; divides <see cref="Dim"/>. Default 12.</summary>
    public int Heads { get; init; } = 12;

    /// <summary>Hidden width of the block's MLP in units of <see cref="Dim"/>. Default 4.</summary>
    public double MlpRatio { get; init; } = 4;

    /// <summary>Hidden width of the block's MLP.</summary>
    public int HiddenDim => (int)(Dim * MlpRatio);

    internal IEnumerable<string> Problems(string name)
    {
        if (Dim < 1 || Depth < 1 || Heads < 1)
        {
            yield return $"{name}: dim {Dim}, depth {Depth} and heads {Heads} must all be at least 1";
        }
        else if (Dim % Heads != 0)
        {
            yield return $"{name}: dim {Dim} is not divisible by heads {Heads}; choose a multiple";
        }
    }
}
