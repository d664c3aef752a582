using TorchSharp.Modules;
using Xkd.Model.Torch;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Method;

#pragma warning disable IDE1006 // field names are state-dict names

/// <summary>
/// A masked autoencoder around a student backbone: the encoder sees the visible tokens, a narrow decoder predicts the values of every patch.
/// The decoder has no final norm; the projections between widths exist only where the widths differ (reference behaviour).
/// </summary>
public sealed class MaskedAutoencoder : nn.Module
{
    private readonly Parameter dec_pos_embed;
    private readonly Parameter mask_token;
    private readonly ViT encoder;
    private readonly Transformer decoder;
    private readonly Linear? mid_proj;
    private readonly Linear? out_proj;

    /// <param name="encoder">The student backbone itself: its weights are shared, not copied.</param>
    /// <param name="options">Size of the decoder.</param>
    /// <param name="device">Where the parameters live.</param>
    public MaskedAutoencoder(ViT encoder, TransformerSection options, Device? device = null)
        : base(nameof(MaskedAutoencoder))
    {
        this.encoder = encoder;
        dec_pos_embed = LiveTensors.Parameter(zeros(1, encoder.Prefix + encoder.NativeTokens, options.Dim, device: device));
        mask_token = LiveTensors.Parameter(zeros(1, 1, options.Dim, device: device));
        decoder = new Transformer(options, device);
        mid_proj = encoder.Options.Dim == options.Dim ? null : new Linear(encoder.Options.Dim, options.Dim, bias: true, device);
        out_proj = options.Dim == encoder.PatchDim ? null : new Linear(options.Dim, encoder.PatchDim, bias: true, device);
        RegisterComponents();
    }

    /// <summary>Latents of the visible tokens [B, prefix + K, D] of an input, with the mask drawn from the noise [B, N].</summary>
    public (Tensor Latent, Tensor Patches, RandomMasking Masking) Encode(Tensor input, Tensor noise, double maskRatio)
    {
        var patches = encoder.Patchify(input); // [B, N, P]
        if (noise.shape[0] != patches.shape[0] || noise.shape[1] != patches.shape[1])
        {
            throw new UsageException($"masking noise must be [{patches.shape[0]}, {patches.shape[1]}], one value a token, got [{string.Join(", ", noise.shape)}]");
        }

        var masking = RandomMasking.Draw(noise, maskRatio);
        return (encoder.ForwardVisible(patches, encoder.PositionsFor(input), masking.Keep), patches, masking);
    }

    /// <summary>Predicted values of every patch [B, N, P] from the visible latents [B, prefix + K, D].</summary>
    public Tensor Decode(Tensor latent, RandomMasking masking, Tensor input)
    {
        using var scope = NewDisposeScope();
        var positions = DecoderPositions(input); // [1, prefix + N, d]
        var x = mid_proj?.call(latent) ?? latent; // [B, prefix + K, d]
        var visible = x.narrow(1, encoder.Prefix, x.shape[1] - encoder.Prefix); // [B, K, d]
        var (batch, tokens, dim) = (x.shape[0], masking.Restore.shape[1], x.shape[2]);
        var hidden = mask_token.expand(batch, tokens - visible.shape[1], -1); // [B, N - K, d]
        var patches = cat([visible, hidden.to(x.dtype)], 1).gather(1, masking.Restore.unsqueeze(-1).expand(-1, -1, dim)); // [B, N, d] in spatial order
        x = encoder.Prefix == 0 ? patches : cat([x.narrow(1, 0, encoder.Prefix), patches], 1); // [B, prefix + N, d]
        x = decoder.call(x.Add(positions));
        x = x.narrow(1, encoder.Prefix, tokens); // [B, N, d]
        return scope.MoveToOuter(out_proj?.call(x) ?? x.clone()); // [B, N, P]
    }

    private Tensor DecoderPositions(Tensor input)
    {
        // The reference resamples the video decoder's table on a wrong grid and fails; the audio one works.
        if (encoder is VideoViT video && (input.shape[2], input.shape[3], input.shape[4]) != (video.Geometry.Frames, video.Geometry.Height, video.Geometry.Width))
        {
            throw new UsageException($"video reconstruction works on the native {video.Geometry.Frames}x{video.Geometry.Height}x{video.Geometry.Width} clip only, "
                + $"got {input.shape[2]}x{input.shape[3]}x{input.shape[4]}; make the global view native");
        }

        return encoder.Positions(dec_pos_embed, input);
    }
}

/// <summary>Which tokens of each sample stay visible, decided by given noise: the smallest stay, in ascending order of their noise.</summary>
/// <param name="Keep">Indices of the visible tokens [B, K], int64, not in spatial order.</param>
/// <param name="Restore">Where each token went in the shuffled order [B, N], int64.</param>
/// <param name="Mask">1 where a token is hidden, 0 where visible [B, N], float32.</param>
public sealed record RandomMasking(Tensor Keep, Tensor Restore, Tensor Mask)
{
    /// <summary>Visible tokens of <paramref name="tokens"/>, rounded half to even as the reference does.</summary>
    public static int VisibleTokens(long tokens, double ratio) => (int)Math.Round(tokens * (1 - ratio), MidpointRounding.ToEven);

    /// <summary>Hides a share of the tokens. <paramref name="noise"/> is [B, N].</summary>
    public static RandomMasking Draw(Tensor noise, double ratio)
    {
        using var scope = NewDisposeScope();
        var (batch, tokens) = (noise.shape[0], noise.shape[1]);
        var visible = VisibleTokens(tokens, ratio);
        if (visible == 0 || visible == tokens)
        {
            throw new UsageException($"a mask ratio of {ratio} leaves {visible} of {tokens} tokens visible; both visible and hidden ones are needed");
        }

        using var unrecorded = no_grad();
        var shuffle = argsort(noise, dim: 1); // [B, N]
        var restore = argsort(shuffle, dim: 1); // [B, N]
        var mask = restore.Ge(visible).to(ScalarType.Float32); // [B, N]
        return new RandomMasking(
            scope.MoveToOuter(shuffle.narrow(1, 0, visible)), // [B, K]
            scope.MoveToOuter(restore), scope.MoveToOuter(mask));
    }
}
