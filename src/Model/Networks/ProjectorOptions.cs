namespace Xkd.Model.Networks;

/// <summary>The projector behind an encoder (the DINO head of the reference; defaults are the published XKD ones).</summary>
public sealed record ProjectorOptions
{
    /// <summary>Logits. Default 8192.</summary>
    public int OutDim { get; init; } = 8192;

    /// <summary>Linear layers of the MLP. Default 3.</summary>
    public int Layers { get; init; } = 3;

    /// <summary>Width of the hidden layers. Default 2048.</summary>
    public int HiddenDim { get; init; } = 2048;

    /// <summary>Width before the weight-normalised last layer; 0 leaves that layer out and the MLP ends in the logits. Default 256.</summary>
    public int BottleneckDim { get; init; } = 256;

    /// <summary>Activation of the hidden layers. Default <see cref="Activation.Gelu"/>.</summary>
    public Activation Activation { get; init; } = Activation.Gelu;

    /// <summary>One LayerNorm, shared by all hidden layers. Default true.</summary>
    public bool HiddenNorm { get; init; } = true;

    /// <summary>LayerNorm without scale and shift on the logits. Default true.</summary>
    public bool OutputNorm { get; init; } = true;

    /// <summary>Keep the last layer's magnitudes (<c>weight_g</c>) at 1, untrained. Default true.</summary>
    public bool FixedMagnitude { get; init; } = true;

    internal IEnumerable<string> Problems()
    {
        if (OutDim < 1 || Layers < 1 || HiddenDim < 1 || BottleneckDim < 0)
        {
            yield return $"model.projector: out {OutDim}, layers {Layers}, hidden {HiddenDim} must be at least 1, bottleneck {BottleneckDim} at least 0";
        }
    }
}

/// <summary>A hidden layer's nonlinearity.</summary>
public enum Activation
{
    /// <summary>Exact GELU (by the error function).</summary>
    Gelu,
    Relu,
}
