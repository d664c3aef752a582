using TorchSharp;
using Xkd.Model.Native;
using Xkd.Model.Networks;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>
/// Tokens of an encoder as the reference's evaluation networks compute them. They differ from pre-training's in one thing: for a spectrogram of another length the position
/// table is resampled along time with the factor (n + 0.1) / N, but along mel with the ratio of the sizes itself, so that unchanged bands keep their positions.
/// </summary>
public static class EvaluationTokens
{
    private const double Nudge = 0.1;

    /// <summary>Tokens after the final norm [B, prefix + N, D].</summary>
    public static Tensor Of(ViT encoder, Tensor input)
    {
        if (encoder is not AudioViT audio || input.dim() != 4)
        {
            return encoder.call(input);
        }

        AudioGrid native = audio.Geometry.Grid(audio.Geometry.Mels, audio.Geometry.Frames), grid = audio.Geometry.Grid(input.shape[2], input.shape[3]);
        if (grid.Tokens == native.Tokens)
        {
            return encoder.call(input);
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor all = ScalarMath.Indices(grid.Tokens, input.device).unsqueeze(0).expand(input.shape[0], -1); // [B, N]
        return encoder.ForwardVisible(encoder.Patchify(input), Positions(audio, native, grid), all).MoveToOuterDisposeScope();
    }

    private static Tensor Positions(AudioViT encoder, AudioGrid native, AudioGrid grid)
    {
        Tensor table = encoder.PositionTable; // [1, prefix + f·t, D]
        long dim = table.shape[2];
        Tensor image = table.narrow(1, encoder.Prefix, native.Tokens).reshape(1, native.Bands, native.Time, dim).permute(0, 3, 1, 2); // [1, D, f, t]
        double[] factors = [grid.Bands / (double)native.Bands, (grid.Time + Nudge) / native.Time];
        Tensor resampled = nn.functional.interpolate(
            image, scale_factor: factors, mode: InterpolationMode.Bicubic, align_corners: false, recompute_scale_factor: false); // [1, D, f', t']
        Tensor patches = resampled.permute(0, 2, 3, 1).reshape(1, grid.Tokens, dim); // [1, N', D]
        return encoder.Prefix == 0 ? patches : cat([table.narrow(1, 0, encoder.Prefix), patches], 1);
    }
}
