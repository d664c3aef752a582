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
        int margin = blur.KernelSize / 2;
        int stride = width + 2 * margin + 8;
        _padded = AlignedBuffer<float>.AtLeast(_padded, stride * (height + 2 * margin) + 8);
        float* padded = _padded.Pointer;
        for (int y = -margin; y < height + margin; y++)
        {
            byte* source = plane + Mirror(y, height) * width;
            float* row = padded + (y + margin) * stride + margin;
            for (int x = 0; x < width; x++)
            {
                row[x] = source[x] / 255f;
            }
            for (int x = 1; x <= margin; x++)
            {
                row[-x] = row[Mirror(-x, width)];
                row[width - 1 + x] = row[Mirror(width - 1 + x, width)];
            }
        }
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x += 8)
            {
                Vector256<float> sum = Vector256<float>.Zero;
                float* from = padded + y * stride + x;
                foreach ((int row, int column, float weight) in _taps)
                {
                    sum = Vector256.FusedMultiplyAdd(Vector256.Load(from + row * stride + column), Vector256.Create(weight), sum);
                }
                Vector256<int> levels = Vector256.ConvertToInt32(sum * 255f);
                for (int lane = 0; lane < Math.Min(8, width - x); lane++)
                {
                    plane[y * width + x + lane] = (byte)levels[lane];
                }
            }
        }
    }

    /// <summary>Weights of a normalised Gaussian of <paramref name="size"/> taps, as <c>exp(-0.5 (x / sigma)²) / sum</c> in PyTorch's float32.</summary>
    internal static float[] Weights(int size, double sigma)
    {
        float[] weights = new float[size];
        for (int i = 0; i < size; i++)
        {
            float x = (i - (size - 1) / 2f) / (float)sigma;
            weights[i] = Float32Exp.Of(-0.5f * (x * x));
        }
        float sum = Float32Exp.Sum(weights);
        for (int i = 0; i < size; i++)
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
        for (int row = 0; row < blur.KernelSize; row++)
        {
            for (int column = 0; column < blur.KernelSize; column++)
            {
                float weight = down[row] * across[column];
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
