namespace Xkd.Pipeline;

/// <summary>
/// One frame, rgb24, and the operations of random augmentation on it. Working memory: the same instance takes one frame after another. What a geometric operation
/// uncovers is ImageNet's mean colour, as in the reference. Not thread-safe.
/// </summary>
internal sealed class RandAugmentFrame
{
    private static readonly byte[] Uncovered = [124, 116, 104];
    private readonly int[] _histogram = new int[LevelTables.Levels];
    private readonly byte[] _table = new byte[LevelTables.Levels];
    private byte[] _other = [];

    public int Height { get; private set; }

    public int Width { get; private set; }

    /// <summary>[height, width, 3]; the first height · width · 3 count.</summary>
    public byte[] Rgb { get; private set; } = [];

    private Span<byte> Pixels => Rgb.AsSpan(0, Height * Width * 3);

    public void Load(ReadOnlySpan<byte> rgb, int height, int width)
    {
        (Height, Width) = (height, width);
        if (Rgb.Length < rgb.Length)
        {
            (Rgb, _other) = (new byte[rgb.Length], new byte[rgb.Length]);
        }

        rgb.CopyTo(Rgb);
    }

    public void Apply(RandAugmentStep step)
    {
        switch (step.Operation)
        {
            case RandAugmentOperation.AutoContrast:
                ByHistogram(LevelTables.AutoContrast);
                break;
            case RandAugmentOperation.Equalize:
                ByHistogram(LevelTables.Equalize);
                break;
            case RandAugmentOperation.Invert:
                LevelTables.Invert(_table);
                Replace();
                break;
            case RandAugmentOperation.Posterize:
                LevelTables.Posterize(step.Bits, _table);
                Replace();
                break;
            case RandAugmentOperation.Solarize:
                LevelTables.Solarize(step.Threshold, _table);
                Replace();
                break;
            case RandAugmentOperation.SolarizeAdd:
                LevelTables.SolarizeAdd(step.Raise, _table);
                Replace();
                break;
            case RandAugmentOperation.Brightness:
                LevelTables.Blend(0, step.Factor, _table);
                Replace();
                break;
            case RandAugmentOperation.Contrast:
                LevelTables.Blend(MeanLuma(), step.Factor, _table);
                Replace();
                break;
            case RandAugmentOperation.Color:
                Color((float)step.Factor);
                break;
            case RandAugmentOperation.Sharpness:
                Sharpness((float)step.Factor);
                break;
            default:
                Move(step);
                break;
        }
    }

    private void Move(RandAugmentStep step)
    {
        switch (step.Operation)
        {
            case RandAugmentOperation.Rotate:
                double angle = -step.Degrees * Math.PI / 180, cos = Math.Cos(angle), sin = Math.Sin(angle), x = Width / 2.0, y = Height / 2.0;
                Affine(cos, sin, x - (cos * x) - (sin * y), -sin, cos, y + (sin * x) - (cos * y));
                break;
            case RandAugmentOperation.ShearX:
                Affine(1, step.Shear, 0, 0, 1, 0);
                break;
            case RandAugmentOperation.ShearY:
                Affine(1, 0, 0, step.Shear, 1, 0);
                break;
            case RandAugmentOperation.TranslateX:
                Affine(1, 0, step.Shift * Width, 0, 1, 0);
                break;
            default:
                Affine(1, 0, 0, 0, 1, step.Shift * Height);
                break;
        }
    }

    private void ByHistogram(HistogramTable make)
    {
        var pixels = Pixels;
        for (var channel = 0; channel < 3; channel++)
        {
            Array.Clear(_histogram);
            for (var i = channel; i < pixels.Length; i += 3)
            {
                _histogram[pixels[i]]++;
            }

            make(_histogram, _table);
            for (var i = channel; i < pixels.Length; i += 3)
            {
                pixels[i] = _table[pixels[i]];
            }
        }
    }

    private void Replace()
    {
        foreach (ref var value in Pixels)
        {
            value = _table[value];
        }
    }

    private int MeanLuma()
    {
        long sum = 0;
        var pixels = Pixels;
        for (var i = 0; i < pixels.Length; i += 3)
        {
            sum += Luma(pixels[i..]);
        }

        return (int)((sum / (double)(Height * Width)) + 0.5);
    }

    private void Color(float factor)
    {
        var pixels = Pixels;
        for (var i = 0; i < pixels.Length; i += 3)
        {
            var grey = Luma(pixels[i..]);
            for (var c = i; c < i + 3; c++)
            {
                pixels[c] = Blend(grey, pixels[c], factor);
            }
        }
    }

    /// <summary>Blends with the frame smoothed by [1 1 1; 1 5 1; 1 1 1] / 13; the border has no neighbours and stays.</summary>
    private void Sharpness(float factor)
    {
        Pixels.CopyTo(_other);
        var stride = Width * 3;
        for (var y = 1; y < Height - 1; y++)
        {
            for (var i = (y * stride) + 3; i < ((y + 1) * stride) - 3; i++)
            {
                var sum = 4 * _other[i];
                for (var row = i - stride; row <= i + stride; row += stride)
                {
                    sum += _other[row - 3] + _other[row] + _other[row + 3];
                }

                Rgb[i] = Blend((int)((sum / 13.0) + 0.5), _other[i], factor);
            }
        }
    }

    /// <summary>Bilinear; output (x, y) comes from (a·x + b·y + c, d·x + e·y + f), pixel centres at halves.</summary>
    private void Affine(double a, double b, double c, double d, double e, double f)
    {
        Pixels.CopyTo(_other);
        for (var y = 0; y < Height; y++)
        {
            for (var x = 0; x < Width; x++)
            {
                double fromX = (a * (x + 0.5)) + (b * (y + 0.5)) + c, fromY = (d * (x + 0.5)) + (e * (y + 0.5)) + f;
                var to = Rgb.AsSpan(((y * Width) + x) * 3, 3);
                if (fromX < 0 || fromX >= Width || fromY < 0 || fromY >= Height)
                {
                    Uncovered.CopyTo(to);
                    continue;
                }

                Sample(fromX - 0.5, fromY - 0.5, to);
            }
        }
    }

    private void Sample(double x, double y, Span<byte> to)
    {
        int left = (int)Math.Floor(x), top = (int)Math.Floor(y);
        double across = x - left, down = y - top;
        int x0 = Math.Max(left, 0), x1 = Math.Min(left + 1, Width - 1), y0 = Math.Max(top, 0) * Width, y1 = Math.Min(top + 1, Height - 1) * Width;
        for (var channel = 0; channel < 3; channel++)
        {
            var upper = Between(_other[((y0 + x0) * 3) + channel], _other[((y0 + x1) * 3) + channel], across);
            var lower = Between(_other[((y1 + x0) * 3) + channel], _other[((y1 + x1) * 3) + channel], across);
            to[channel] = (byte)Between(upper, lower, down);
        }
    }

    private static double Between(double from, double to, double share) => from + ((to - from) * share);

    private static int Luma(ReadOnlySpan<byte> pixel) => ((19595 * pixel[0]) + (38470 * pixel[1]) + (7471 * pixel[2]) + 32768) >> 16;

    private static byte Blend(int grey, int pixel, float factor) => (byte)Math.Clamp((int)(grey + (factor * (pixel - grey))), 0, 255);

    private delegate void HistogramTable(ReadOnlySpan<int> histogram, Span<byte> table);
}
