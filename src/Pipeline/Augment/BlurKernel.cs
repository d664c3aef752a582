using System.Runtime.Intrinsics;

namespace Xkd.Pipeline;

/// <summary>
/// Gaussian blur of byte planes as torchvision does it to a float image: value / 255, mirrored borders, one two-dimensional
/// kernel accumulated row by row with fused multiply-adds from zero, times 255, truncated. The one-dimensional weights repeat
/// PyTorch's float32 arithmetic to the bit, since a truncated result shows the last one.
/// </summary>
internal sealed unsafe class BlurKernel
{
    // Weights below this vanish in float32 next to the centre's.
    private const float Negligible = 1e-15f;
    private readonly List<(int Row, int Column, float Weight)> _taps = [];
    private AlignedBuffer<float>? _padded;
    private GaussianBlur? _prepared;

    public void Run(GaussianBlur blur, byte* plane, int height, int width)
    {
        Prepare(blur);
        var margin = blur.KernelSize / 2;
        var stride = width + 2 * margin + 8;
        _padded = AlignedBuffer<float>.AtLeast(_padded, stride * (height + 2 * margin) + 8);
        var padded = _padded.Pointer;
        for (var y = -margin; y < height + margin; y++)
        {
            var source = plane + Mirror(y, height) * width;
            var row = padded + (y + margin) * stride + margin;
            for (var x = 0; x < width; x++)
            {
                row[x] = source[x] / 255f;
            }
            for (var x = 1; x <= margin; x++)
            {
                row[-x] = row[Mirror(-x, width)];
                row[width - 1 + x] = row[Mirror(width - 1 + x, width)];
            }
        }
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x += 8)
            {
                var sum = Vector256<float>.Zero;
                var from = padded + y * stride + x;
                foreach ((var row, var column, var weight) in _taps)
                {
                    sum = Vector256.FusedMultiplyAdd(Vector256.Load(from + row * stride + column), Vector256.Create(weight), sum);
                }
                var levels = Vector256.ConvertToInt32(sum * 255f);
                for (var lane = 0; lane < Math.Min(8, width - x); lane++)
                {
                    plane[y * width + x + lane] = (byte)levels[lane];
                }
            }
        }
    }

    /// <summary>Weights of a normalised Gaussian of <paramref name="size"/> taps, as <c>exp(-0.5 (x / sigma)²) / sum</c> in PyTorch's float32.</summary>
    internal static float[] Weights(int size, double sigma)
    {
        var weights = new float[size];
        for (var i = 0; i < size; i++)
        {
            var x = (i - (size - 1) / 2f) / (float)sigma;
            weights[i] = Float32Exp.Of(-0.5f * (x * x));
        }
        var sum = Float32Exp.Sum(weights);
        for (var i = 0; i < size; i++)
        {
            weights[i] /= sum;
        }
        return weights;
    }

    private void Prepare(GaussianBlur blur)
    {
        if (_prepared == blur)
        {
            return;
        }
        float[] across = Weights(blur.KernelSize, blur.SigmaX), down = Weights(blur.KernelSize, blur.SigmaY);
        _taps.Clear();
        for (var row = 0; row < blur.KernelSize; row++)
        {
            for (var column = 0; column < blur.KernelSize; column++)
            {
                var weight = down[row] * across[column];
                if (weight > Negligible)
                {
                    _taps.Add((row, column, weight));
                }
            }
        }
        _prepared = blur;
    }

    private static int Mirror(int at, int length)
    {
        at = Math.Abs(at);
        return at < length ? at : 2 * (length - 1) - at;
    }
}
