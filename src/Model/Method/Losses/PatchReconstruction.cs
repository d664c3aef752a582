using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Method;

/// <summary>Masked reconstruction: squared error over the hidden patches only.</summary>
internal static class PatchReconstruction
{
    private const double Eps = 1e-6;

    /// <summary>
    /// Mean squared error of predicted [B, N, P] to true patch values [B, N, P], over patches whose mask [B, N] is 1. With <paramref name="normalise"/> the
    /// target is each patch normalised by its own mean and unbiased variance. What is predicted in bfloat16 is compared by <paramref name="kernels"/>, where there are some.
    /// </summary>
    public static Tensor Loss(Tensor predicted, Tensor patches, Tensor mask, bool normalise, FusedKernels? kernels = null)
    {
        if (kernels is not null && predicted.dtype == ScalarType.BFloat16 && patches.shape[^1] % 4 == 0)
        {
            return kernels.PatchError(predicted, patches, mask, normalise);
        }

        using var scope = NewDisposeScope();
        var target = patches;
        if (normalise)
        {
            var (mean, deviation) = Moments(patches);
            target = (patches - mean) / deviation; // [B, N, P]
        }

        var error = (predicted.to(ScalarType.Float32) - target).Square().mean([-1L]); // [B, N]
        return scope.MoveToOuter((error * mask).sum() / mask.sum());
    }

    /// <summary>Per-patch-normalised values [B, N, P] back on the scale of the true patches [B, N, P].</summary>
    public static Tensor Denormalise(Tensor predicted, Tensor patches)
    {
        using var scope = NewDisposeScope();
        var (mean, deviation) = Moments(patches);
        return scope.MoveToOuter((predicted * deviation).Add(mean));
    }

    // Mean and deviation of each patch, both [B, N, 1]. The variance is unbiased; libtorch's own runs Welford's recurrence value by value, which costs
    // more on a CPU than the whole decoder.
    private static (Tensor Mean, Tensor Deviation) Moments(Tensor patches)
    {
        var mean = patches.mean([-1L], keepdim: true); // [B, N, 1]
        var variance = (patches - mean).Square().sum(-1, keepdim: true).Div(patches.shape[^1] - 1); // [B, N, 1]
        return (mean, variance.Add(Eps).sqrt());
    }
}
