using TorchSharp.Modules;
using Xkd.Model.Torch;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Method;

#pragma warning disable IDE1006 // field names are state-dict names
#pragma warning disable MA0056 // register_module and register_parameter are TorchSharp's to override, not ours

/// <summary>
/// A vision transformer over flat patch vectors. Video and audio differ in how an input is cut into patches and in how the position table is resampled;
/// those two are the subclass's.
/// </summary>
public abstract class ViT : nn.Module<Tensor, Tensor>
{
    private protected readonly Parameter? cls_token;
    private protected readonly Parameter enc_pos_embed;
    private protected readonly Transformer encoder;
    private protected readonly LayerNorm encoder_norm;
    private readonly Func<Tensor, Tensor> embed; // a delegate: TorchSharp would register a module field a second time, under the field's name

    private protected ViT(string name, string embedName, int patchDim, int tokens, TransformerSection options, bool classToken, Transformer? sharedBlocks, Device? device)
        : base(name)
    {
        (Options, NativeTokens, PatchDim) = (options, tokens, patchDim);
        if (classToken)
        {
            cls_token = LiveTensors.Parameter(zeros(1, 1, options.Dim, device: device));
            register_parameter(nameof(cls_token), cls_token);
        }

        enc_pos_embed = LiveTensors.Parameter(zeros(1, tokens + (classToken ? 1 : 0), options.Dim, device: device));
        register_parameter(nameof(enc_pos_embed), enc_pos_embed);
        var patchEmbed = new PatchEmbed(patchDim, options.Dim, device);
        register_module(embedName, patchEmbed);
        embed = patchEmbed.call;
        encoder = sharedBlocks ?? new Transformer(options, device);
        register_module(nameof(encoder), encoder);
        encoder_norm = new LayerNorm(options.Dim, affine: true, device);
        register_module(nameof(encoder_norm), encoder_norm);
    }

    public TransformerSection Options { get; }

    /// <summary>Tokens of the native input, the class token not counted.</summary>
    public int NativeTokens { get; }

    /// <summary>Values of one patch.</summary>
    public int PatchDim { get; }

    /// <summary>1 with a class token, else 0: how many tokens come before the patches'.</summary>
    public int Prefix => cls_token is null ? 0 : 1;

    /// <summary>The blocks, for sharing them with another modality.</summary>
    public Transformer Blocks => encoder;

    /// <summary>[1, prefix + native tokens, D]</summary>
    public Parameter PositionTable => enc_pos_embed;

    /// <summary>Cuts an input into flat patch vectors [B, N, P].</summary>
    public abstract Tensor Patchify(Tensor input);

    /// <summary>Position table for an input of this shape [1, prefix + N, D]: the native one, or resampled.</summary>
    public Tensor PositionsFor(Tensor input) => Positions(enc_pos_embed, input);

    /// <summary>Resamples a table [1, prefix + native tokens, any width] to the grid of an input.</summary>
    internal abstract Tensor Positions(Tensor table, Tensor input);

    /// <summary>All tokens after the final norm [B, prefix + N, D].</summary>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(encoder_norm.call(encoder.call(Tokens(input))));
    }

    /// <summary>Input of the first block [B, prefix + N, D].</summary>
    public Tensor Tokens(Tensor input) => Embed(Patchify(input), PositionsFor(input), keep: null);

    /// <summary>
    /// All tokens after the final norm, and the last block's attention to all tokens [B, heads, prefix + N]: the class token's, or without one the mean over all queries
    /// (reference behaviour).
    /// </summary>
    public (Tensor Tokens, Tensor ClassAttention) ForwardWithClassAttention(Tensor input)
    {
        if (cls_token is not null)
        {
            return ForwardWithAttention(input, classRowOnly: true);
        }

        using var scope = NewDisposeScope();
        var (tokens, attention) = ForwardWithAttention(input, classRowOnly: false); // [B, heads, N, N]
        return scope.MoveToOuter(tokens, attention.mean([-2L])); // [B, heads, N]
    }

    /// <summary>All tokens after the final norm, and the last block's whole attention [B, heads, prefix + N, prefix + N].</summary>
    public (Tensor Tokens, Tensor Attention) ForwardWithAttention(Tensor input) => ForwardWithAttention(input, classRowOnly: false);

    /// <summary>The visible tokens after the final norm [B, prefix + K, D], for patches [B, N, P] and the indices kept [B, K], in that order.</summary>
    public Tensor ForwardVisible(Tensor patches, Tensor positions, Tensor keep)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(encoder_norm.call(encoder.call(Embed(patches, positions, keep))));
    }

    private (Tensor Tokens, Tensor Attention) ForwardWithAttention(Tensor input, bool classRowOnly)
    {
        using var scope = NewDisposeScope();
        var (x, attention) = encoder.ForwardWithProbabilities(Tokens(input), classRowOnly);
        return scope.MoveToOuter(encoder_norm.call(x), attention);
    }

    // Patches are picked before the embedding: at a mask ratio of 0.85 most of it would be thrown away afterwards.
    private Tensor Embed(Tensor patches, Tensor positions, Tensor? keep)
    {
        var patchPositions = positions.narrow(1, Prefix, positions.shape[1] - Prefix); // [1, N, D]
        if (keep is not null)
        {
            patches = Pick(patches, keep); // [B, K, P]
            patchPositions = Pick(patchPositions.expand(keep.shape[0], -1, -1), keep); // [B, K, D]
        }

        var x = embed(patches).Add(patchPositions); // [B, N or K, D]
        if (cls_token is null)
        {
            return x;
        }

        var first = cls_token.Add(positions.narrow(1, 0, 1)).expand(x.shape[0], -1, -1); // [B, 1, D]
        return cat([first, x], 1); // [B, 1 + N or K, D]
    }

    private static Tensor Pick(Tensor x, Tensor keep) => x.gather(1, keep.unsqueeze(-1).expand(-1, -1, x.shape[2])); // [B, N, C] -> [B, K, C]
}

/// <summary>The video encoder: clips [B, C, T, H, W] cut into cuboids.</summary>
internal sealed class VideoViT : ViT
{
    private readonly VideoGeometry geometry;
    private readonly VideoGrid native;

    /// <param name="geometry">Native clip and cuboids.</param>
    /// <param name="options">Size of the encoder.</param>
    /// <param name="classToken">With a class token.</param>
    /// <param name="sharedBlocks">Blocks of another encoder to use in place of own ones (MAS, MATS).</param>
    /// <param name="device">Where the parameters live.</param>
    public VideoViT(VideoGeometry geometry, TransformerSection options, bool classToken = true, Transformer? sharedBlocks = null, Device? device = null)
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

/// <summary>The audio encoder: log-mel spectrograms [B, 1, mels, frames] cut into patches.</summary>
internal sealed class AudioViT : ViT
{
    private readonly AudioGeometry geometry;
    private readonly AudioGrid native;

    /// <param name="geometry">Native spectrogram and patches.</param>
    /// <param name="options">Size of the encoder.</param>
    /// <param name="classToken">With a class token.</param>
    /// <param name="sharedBlocks">Blocks of another encoder to use in place of own ones (MAS, MATS).</param>
    /// <param name="device">Where the parameters live.</param>
    public AudioViT(AudioGeometry geometry, TransformerSection options, bool classToken = true, Transformer? sharedBlocks = null, Device? device = null)
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
