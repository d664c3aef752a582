using Xkd.Model.Native;
using Xkd.Pipeline;
using static TorchSharp.torch;

namespace Xkd.Model.Augment;

/// <summary>
/// The Gaussian blur of <see cref="GaussianBlur"/> on whole clips as two matrix products with a matrix per clip, mirrored borders
/// folded in. Products are float64, where the kernel on the CPU adds up in float32 and truncates: the two differ by at most one level.
/// </summary>
internal static class BlurBatch
{
    /// <summary>Blurs whole numbers 0 … 255, float32 [n, 3, T, H, W].</summary>
    public static Tensor Apply(Tensor x, IReadOnlyList<GaussianBlur> blurs)
    {
        using var scope = NewDisposeScope();
        (long n, long planes, long height, long width) = (x.shape[0], x.shape[1] * x.shape[2], x.shape[3], x.shape[4]);
        Tensor across = Matrix([.. blurs.Select(b => (b.KernelSize, b.SigmaX))], (int)width, x.device); // [n, W, W]
        Tensor down = Matrix([.. blurs.Select(b => (b.KernelSize, b.SigmaY))], (int)height, x.device); // [n, H, H]
        Tensor y = ColorBatch.Quotient(x, 255).to(ScalarType.Float64).reshape(n, planes * height, width);
        y = bmm(y, across.transpose(1, 2)).view(n, planes, height, width).transpose(1, 2).reshape(n, height, planes * width); // [n, H, PW]
        y = bmm(down, y).view(n, height, planes, width).transpose(1, 2).reshape(x.shape);
        return y.to(ScalarType.Float32).Times(255).floor().MoveToOuterDisposeScope();
    }

    private static Tensor Matrix((int Size, double Sigma)[] kernels, int side, Device device)
    {
        TapMatrix matrix = new(kernels.Length, side, kernels.Max(k => k.Size));
        for (int clip = 0; clip < kernels.Length; clip++)
        {
            float[] weights = GaussianBlur.Weights(kernels[clip].Size, kernels[clip].Sigma);
            for (int at = 0; at < side; at++)
            {
                for (int tap = 0; tap < weights.Length; tap++)
                {
                    matrix.Set(clip, at, tap, Mirror(at + tap - (weights.Length / 2), side), weights[tap]);
                }
            }
        }

        return matrix.Dense(side, device);
    }

    private static int Mirror(int at, int length)
    {
        at = Math.Abs(at);
        return at < length ? at : (2 * (length - 1)) - at;
    }
}
