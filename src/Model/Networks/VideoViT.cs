using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Networks;

/// <summary>The video encoder: clips [B, C, T, H, W] cut into cuboids.</summary>
public sealed class VideoViT : ViT
{
    private readonly VideoGeometry geometry;
    private readonly VideoGrid native;

    /// <param name="geometry">Native clip and cuboids.</param>
    /// <param name="options">Size of the encoder.</param>
    /// <param name="classToken">With a class token.</param>
    /// <param name="sharedBlocks">Blocks of another encoder to use in place of own ones (MAS, MATS).</param>
    /// <param name="device">Where the parameters live.</param>
    public VideoViT(VideoGeometry geometry, TransformerOptions options, bool classToken = true, Transformer? sharedBlocks = null, Device? device = null)
        : base(nameof(VideoViT), "cuboid_embed", geometry.PatchDim, geometry.Tokens, options, classToken, sharedBlocks, device)
    {
        this.geometry = geometry;
        native = geometry.Grid(geometry.Frames, geometry.Height, geometry.Width);
    }

    public VideoGeometry Geometry => geometry;

    /// <summary>Cuboids in (time, row, column) order, values within one in (time, row, column, channel) order: [B, C, T, H, W] to [B, N, P].</summary>
    public override Tensor Patchify(Tensor input)
    {
        var grid = Grid(input);
        var (batch, channels) = (input.shape[0], input.shape[1]);
        return input
            .reshape(batch, channels, grid.Time, geometry.PatchFrames, grid.Rows, geometry.PatchHeight, grid.Columns, geometry.PatchWidth)
            .permute(0, 2, 4, 6, 3, 5, 7, 1) // [B, t, h, w, pt, ph, pw, C]
            .reshape(batch, grid.Tokens, geometry.PatchDim); // [B, N, P]
    }

    internal override Tensor Positions(Tensor table, Tensor input)
    {
        var grid = Grid(input);
        if (grid.Tokens == native.Tokens && input.shape[3] == input.shape[4])
        {
            return table;
        }

        // The reference takes the square root of the spatial token count for both sides of the native grid.
        return native.Rows == native.Columns
            ? PositionResampling.Resample(table, Prefix, native, grid)
            : throw new UsageException($"positions of a {native.Rows}x{native.Columns} cuboid grid cannot be resampled: only square native frames can; "
                + $"feed the native {geometry.Height}x{geometry.Width} frames or make them square");
    }

    private VideoGrid Grid(Tensor input) => input.dim() == 5 && input.shape[1] == geometry.Channels
        ? geometry.Grid(input.shape[2], input.shape[3], input.shape[4])
        : throw new UsageException($"a video batch must be [batch, {geometry.Channels}, frames, height, width], got [{string.Join(", ", input.shape)}]");
}
