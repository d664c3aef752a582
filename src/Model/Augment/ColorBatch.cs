using Xkd.Model.Native;
using Xkd.Pipeline;
using static TorchSharp.torch;

namespace Xkd.Model.Augment;

/// <summary>
/// Pillow's colour operations on whole clips, whole numbers 0 … 255 as float32 [n, 3, T, H, W], bit for bit: every intermediate value is
/// either an integer below 2^24 or rounded where Pillow rounds. Each clip has its own factor.
/// </summary>
internal static class ColorBatch
{
    /// <summary>One operation of the jitter.</summary>
    public static Tensor Apply(Tensor x, JitterOperation operation, IReadOnlyList<ColorJitter> jitters) => operation switch
    {
        JitterOperation.Brightness => Brightness(x, Factors(x, jitters.Select(j => j.Brightness))),
        JitterOperation.Contrast => Contrast(x, Factors(x, jitters.Select(j => j.Contrast))),
        JitterOperation.Saturation => Saturation(x, Factors(x, jitters.Select(j => j.Saturation))),
        _ => HueBatch.Shift(x, [.. jitters.Select(j => HueKernel.OffsetOf(j.Hue))]),
    };

    /// <summary>Luma of each pixel, [n, 1, T, H, W]: (19595 R + 38470 G + 7471 B + 32768) / 65536, rounded down.</summary>
    public static Tensor Luma(Tensor x)
    {
        using var scope = NewDisposeScope();
        Tensor sum = x.narrow(1, 0, 1).Times(19595) + x.narrow(1, 1, 1).Times(38470) + x.narrow(1, 2, 1).Times(7471);
        return sum.Plus(32768).Over(65536).floor().MoveToOuterDisposeScope();
    }

    /// <summary>Luma in all three channels.</summary>
    public static Tensor Gray(Tensor x)
    {
        using Tensor luma = Luma(x);
        return luma.expand(x.shape);
    }

    /// <summary>Values over a number, rounded once on every device: by a number of the host a GPU multiplies with its reciprocal, which rounds twice.</summary>
    public static Tensor Quotient(Tensor x, double number)
    {
        using Tensor divisor = tensor([number], dtype: x.dtype, device: x.device);
        return x / divisor;
    }

    private static Tensor Brightness(Tensor x, Tensor factor)
    {
        using (factor)
        {
            return Bytes(x * factor);
        }
    }

    private static Tensor Contrast(Tensor x, Tensor factor)
    {
        using var scope = NewDisposeScope();
        Tensor sum = Luma(x).sum([3, 4], keepdim: true, type: ScalarType.Float64); // of each frame, [n, 1, T, 1, 1]
        Tensor mean = Quotient(sum, x.shape[3] * x.shape[4]);
        return Blend(x, mean.Plus(0.5).floor().to(ScalarType.Float32), factor).MoveToOuterDisposeScope();
    }

    private static Tensor Saturation(Tensor x, Tensor factor)
    {
        using var scope = NewDisposeScope();
        return Blend(x, Luma(x), factor).MoveToOuterDisposeScope();
    }

    // A multiplication and an addition of their own: a fused one would round differently.
    private static Tensor Blend(Tensor x, Tensor gray, Tensor factor) => Bytes(gray + ((x - gray) * factor));

    private static Tensor Bytes(Tensor x) => x.ClampBelow(0).ClampAbove(255).floor();

    private static Tensor Factors(Tensor x, IEnumerable<double> factors)
    {
        float[] values = [.. factors.Select(f => (float)f)];
        return tensor(values, [values.Length, 1, 1, 1, 1], device: x.device);
    }
}
