namespace Xkd.Model.Configuration;

/// <summary>Sizes of the networks. The defaults are ViT-B encoders with the paper's decoders and projector.</summary>
public sealed record ModelSection
{
    /// <summary>Cuboid of one video token: frames, height, width. Default [4, 16, 16].</summary>
    [Within(1, 4096)]
    public int[] VideoPatch { get; init; } = [4, 16, 16];

    /// <summary>Patch of one audio token: mels, spectrogram frames. Default [4, 16].</summary>
    [Within(1, 100_000)]
    public int[] AudioPatch { get; init; } = [4, 16];

    /// <summary>Prepend a class token. Refinement needs it. Default true.</summary>
    public bool ClassToken { get; init; } = true;

    /// <summary>Students and teachers. Default 768 wide, 12 blocks, 12 heads.</summary>
    public TransformerSection Encoder { get; init; } = new() { Dim = 768, Depth = 12, Heads = 12 };

    /// <summary>Reconstruction decoders. Default 384 wide, 4 blocks, 12 heads.</summary>
    public TransformerSection Decoder { get; init; } = new() { Dim = 384, Depth = 4, Heads = 12 };

    public ProjectorSection Projector { get; init; } = new();
}
