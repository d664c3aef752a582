using Xkd.Model.Method;
using static TorchSharp.torch;

namespace Xkd.Conformance.Topics;

/// <summary>Tokens, positions, attention and final tokens of both encoders.</summary>
internal sealed class VitTopic : IGoldenTopic
{
    public IReadOnlyCollection<string> Topics => ["vit_video", "vit_audio"];

    public void Run(GoldenCase golden, GoldenCheck check)
    {
        using var scope = GoldenTensors.Scope();
        using var unrecorded = no_grad();
        using var vit = Build(golden);
        GoldenTensors.LoadState(golden, check, vit);
        foreach (var view in GoldenModels.ViewNames(golden, check))
        {
            var input = golden.Tensor("in/" + view);
            var results = $"out/{view}/";
            if (golden.Has(results + "patches"))
            {
                check.Close(results + "patches", vit.Patchify(input));
            }

            check.Close(results + "pos_embed", vit.PositionsFor(input));
            check.Close(results + "tokens", vit.Tokens(input));
            var (tokens, attention) = vit.ForwardWithAttention(input);
            check.Close(results + "tokens_final", tokens);
            check.Close(results + "last_attn", attention);

            // Three ways to the same numbers: the plain pass, and the class token's row alone.
            check.Close(results + "tokens_final", vit.call(input));
            if (vit.Prefix == 1)
            {
                var row = Wide(vit.ForwardWithClassAttention(input).ClassAttention);
                check.Values(view + " class attention", row, Wide(golden.Tensor(results + "last_attn").select(2, 0)), check.ToleranceOf(results + "last_attn"));
            }
        }
    }

    internal static ViT Build(GoldenCase golden)
    {
        var config = golden.Config;
        var encoder = GoldenModels.Transformer(config.GetProperty("encoder"));
        var classToken = config.GetProperty("apply_cls_token").GetBoolean();
        return config.Has("frame_size")
            ? new VideoViT(GoldenModels.Video(config), encoder, classToken, device: golden.Device())
            : new AudioViT(GoldenModels.Audio(config), encoder, classToken, device: golden.Device());
    }

    private static double[] Wide(Tensor tensor) => tensor.to(ScalarType.Float64).cpu().contiguous().data<double>().ToArray();
}
