using TorchSharp.Modules;
using Xkd.Model.Method;

namespace Xkd.Conformance.Topics;

/// <summary>Masked autoencoders with the noise given: latents, predictions, losses and gradients.</summary>
internal sealed class MaeTopic : IGoldenTopic
{
    public IReadOnlyCollection<string> Topics => ["mae_video", "mae_audio"];

    public void Run(GoldenCase golden, GoldenCheck check)
    {
        using var scope = GoldenTensors.Scope();
        using var encoder = VitTopic.Build(golden);
        using var autoencoder = new MaskedAutoencoder(encoder, GoldenModels.Transformer(golden.Config.GetProperty("decoder")), golden.Device());
        GoldenTensors.LoadState(golden, check, autoencoder);
        var parameters = StateNames.Parameters(autoencoder);
        check.Equal("modality", golden.Config.GetProperty("modality").GetString(), encoder is VideoViT ? "video" : "audio");
        foreach (var view in GoldenModels.ViewNames(golden, check))
        {
            RunView(golden, check, autoencoder, parameters, view);
        }
    }

    private static void RunView(GoldenCase golden, GoldenCheck check, MaskedAutoencoder autoencoder, IReadOnlyList<(string Name, Parameter Value)> parameters, string view)
    {
        var results = $"out/{view}/";
        var input = golden.Tensor("in/" + view);
        foreach (var normalise in new[] { true, false })
        {
            var (latent, patches, masking) = autoencoder.Encode(input, golden.Tensor($"in/{view}/noise"), golden.Config.GetProperty("mask_ratio").GetDouble());
            var predicted = autoencoder.Decode(latent, masking, input);
            var loss = PatchReconstruction.Loss(predicted, patches, masking.Mask, normalise);
            check.Close(results + "latent", latent);
            check.Close(results + "pred", predicted);
            check.Close(results + "mask", masking.Mask);
            check.Same(results + "ids_restore", masking.Restore);
            if (golden.Has(results + "target_patches"))
            {
                check.Close(results + "target_patches", patches);
            }

            check.Scalar(view + "/len_keep", masking.Keep.shape[1]);
            var kind = normalise ? "norm_pix" : "raw_pix";
            check.Scalar($"{view}/loss_{kind}", loss);

            foreach (var (_, parameter) in parameters)
            {
                parameter.grad = null;
            }

            loss.backward();
            check.SameSequence($"{view}/{kind} without gradient", parameters.Where(p => p.Value.grad is null).Select(p => p.Name),
                golden.Json.GetProperty("no_grad_params").GetProperty($"{view}/{kind}").EnumerateArray().Select(n => n.GetString()!));
            check.SameMap($"{view}/{kind} gradient norm", GoldenTensors.GradientNorms(parameters.Where(p => p.Value.grad is not null)),
                golden.Json.GetProperty("grad_norms").GetProperty($"{view}/{kind}"), GradientTolerance(golden, check));
            foreach (var (name, parameter) in parameters.Where(p => golden.Has($"{results}grad_{kind}/{p.Name}")))
            {
                check.Close($"{results}grad_{kind}/{name}", parameter.grad!);
            }
        }
    }

    private static Tolerance GradientTolerance(GoldenCase golden, GoldenCheck check) =>
        golden.Json.GetProperty("tolerance").TryGetProperty("other", out var other) && other.TryGetProperty("grad_norms", out _)
            ? check.OtherTolerance("grad_norms")
            : check.ToleranceOf("grad_norms");
}
