using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Networks;

/// <summary>The audio encoder: log-mel spectrograms [B, 1, mels, frames] cut into patches.</summary>
public sealed class AudioViT : ViT
{
    private readonly AudioGeometry geometry;
    private readonly AudioGrid native;

    /// <param name="geometry">Native spectrogram and patches.</param>
    /// <param name="options">Size of the encoder.</param>
    /// <param name="classToken">With a class token.</param>
    /// <param name="sharedBlocks">Blocks of another encoder to use in place of own ones (MAS, MATS).</param>
    /// <param name="device">Where the parameters live.</param>
    public AudioViT(AudioGeometry geometry, TransformerOptions options, bool classToken = true, Transformer? sharedBlocks = null, Device? device = null)
        : base(nameof(AudioViT), "patch_embed", geometry.PatchDim, geometry.Tokens, options, classToken, sharedBlocks, device)
    {
        this.geometry = geometry;
        native = geometry.Grid(geometry.Mels, geometry.Frames);
    }

    public AudioGeometry Geometry => geometry;

    /// <summary>Patches in (mel, time) order, values within one likewise: [B, 1, mels, frames] to [B, N, P].</summary>
    public override Tensor Patchify(Tensor input)
    {
        var grid = Grid(input);
        return input
            .reshape(input.shape[0], grid.Bands, geometry.PatchMels, grid.Time, geometry.PatchFrames)
            .permute(0, 1, 3, 2, 4) // [B, f, t, pf, pt]
            .reshape(input.shape[0], grid.Tokens, geometry.PatchDim); // [B, N, P]
    }

    internal override Tensor Positions(Tensor table, Tensor input)
    {
        var grid = Grid(input);
        return grid.Tokens == native.Tokens ? table : PositionResampling.Resample(table, Prefix, native, grid);
    }

    private AudioGrid Grid(Tensor input) => input.dim() == 4 && input.shape[1] == 1
        ? geometry.Grid(input.shape[2], input.shape[3])
        : throw new UsageException($"an audio batch must be [batch, 1, mels, frames], got [{string.Join(", ", input.shape)}]");
}
