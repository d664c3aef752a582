namespace Xkd.Model.Method;

/// <summary>Sizes of the networks. The defaults are ViT-B encoders with the paper's decoders and projector.</summary>
public sealed record ModelSection
{
    /// <summary>Cuboid of one video token: frames, height, width. Default [4, 16, 16].</summary>
    [Within(1, 4096, Items = "frames, height, width")]
    public int[] VideoPatch { get; init; } = [4, 16, 16];

    /// <summary>Patch of one audio token: mels, spectrogram frames. Default [4, 16].</summary>
    [Within(1, 100_000, Items = "mels, frames")]
    public int[] AudioPatch { get; init; } = [4, 16];

    /// <summary>Prepend a class token. Without it the teachers' refinement takes the attention of all queries. Default true.</summary>
    public bool ClassToken { get; init; } = true;

    /// <summary>Students and teachers. Default 768 wide, 12 blocks, 12 heads.</summary>
    public TransformerSection Encoder { get; init; } = new();

    /// <summary>Reconstruction decoders. Default 384 wide, 4 blocks, 12 heads.</summary>
    public TransformerSection Decoder { get; init; } = new() { Dim = 384, Depth = 4, Heads = 12 };

    public ProjectorSection Projector { get; init; } = new();
}

/// <summary>One stack of transformer blocks.</summary>
public sealed record TransformerSection
{
    /// <summary>Width of a token.</summary>
    [Within(1, 65_536)]
    public int Dim { get; init; } = 768;

    /// <summary>Number of blocks.</summary>
    [Within(1, 1000)]
    public int Depth { get; init; } = 12;

    /// <summary>Attention heads per block; divides the width.</summary>
    [Within(1, 1024)]
    public int Heads { get; init; } = 12;

    /// <summary>Hidden width of a block's MLP in units of its width. Default 4.</summary>
    [Within(0.01, 64)]
    public double MlpRatio { get; init; } = 4;

    internal int HiddenDim => (int)(Dim * MlpRatio);
}

/// <summary>The projection head of students and teachers.</summary>
public sealed record ProjectorSection
{
    /// <summary>Linear layers of the MLP. Default 3.</summary>
    [Within(1, 100)]
    public int Layers { get; init; } = 3;

    /// <summary>Hidden width. Default 2048.</summary>
    [Within(1, 1 << 20)]
    public int Hidden { get; init; } = 2048;

    /// <summary>Width before the weight-normalised last layer; 0 leaves that layer out, and the MLP ends in the outputs. Default 256.</summary>
    [Within(0, 1 << 20)]
    public int Bottleneck { get; init; } = 256;

    /// <summary>Output dimensions (prototypes). Default 8192.</summary>
    [Within(1, 1 << 20)]
    public int Out { get; init; } = 8192;

    /// <summary>Nonlinearity of the hidden layers. Default gelu.</summary>
    public Activation Activation { get; init; } = Activation.Gelu;

    /// <summary>One LayerNorm, shared by all hidden layers. Default true.</summary>
    public bool HiddenNorm { get; init; } = true;

    /// <summary>LayerNorm without scale and shift on the outputs. Default true.</summary>
    public bool OutputNorm { get; init; } = true;

    /// <summary>Keep the lengths of the last layer's rows at 1, untrained. Default true.</summary>
    public bool FixedMagnitude { get; init; } = true;
}

/// <summary>A hidden layer's nonlinearity.</summary>
public enum Activation
{
    /// <summary>Exact GELU (by the error function).</summary>
    Gelu,
    Relu,
}
