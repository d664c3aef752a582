using Xkd.Model.Torch;
using Xkd.Pipeline;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

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
        var sum = x.narrow(1, 0, 1).Mul(19595).Add(x.narrow(1, 1, 1).Mul(38470)).Add(x.narrow(1, 2, 1).Mul(7471));
        return sum.Add(32768).Div(65536).floor().MoveToOuterDisposeScope();
    }

    /// <summary>Luma in all three channels.</summary>
    public static Tensor Gray(Tensor x)
    {
        using var luma = Luma(x);
        return luma.expand(x.shape);
    }

    /// <summary>Values over a number, rounded once on every device: by a number of the host a GPU multiplies with its reciprocal, which rounds twice.</summary>
    public static Tensor Quotient(Tensor x, double number)
    {
        using var divisor = tensor([number], dtype: x.dtype, device: x.device);
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
        var sum = Luma(x).sum([3, 4], keepdim: true, type: ScalarType.Float64); // of each frame, [n, 1, T, 1, 1]
        var mean = Quotient(sum, x.shape[3] * x.shape[4]);
        return Blend(x, mean.Add(0.5).floor().to(ScalarType.Float32), factor).MoveToOuterDisposeScope();
    }

    private static Tensor Saturation(Tensor x, Tensor factor)
    {
        using var scope = NewDisposeScope();
        return Blend(x, Luma(x), factor).MoveToOuterDisposeScope();
    }

    // A multiplication and an addition of their own: a fused one would round differently.
    private static Tensor Blend(Tensor x, Tensor gray, Tensor factor) => Bytes(gray.Add((x - gray) * factor));

    private static Tensor Bytes(Tensor x) => x.ClampMin(0).ClampMax(255).floor();

    private static Tensor Factors(Tensor x, IEnumerable<double> factors)
    {
        float[] values = [.. factors.Select(f => (float)f)];
        return tensor(values, [values.Length, 1, 1, 1, 1], device: x.device);
    }
}

/// <summary>The hue shift of <see cref="HueKernel"/> on whole clips: the same integers, the same quotients, the same table.</summary>
internal static class HueBatch
{
    private const int Entries = 512, WeightRange = 128, Choices = 4;

    /// <summary>Turns the hue of float32 [n, 3, T, H, W] by an offset per clip.</summary>
    public static Tensor Shift(Tensor x, byte[] offsets)
    {
        using var scope = NewDisposeScope();
        Tensor r = x.select(1, 0), g = x.select(1, 1), b = x.select(1, 2); // [n, T, H, W]
        Tensor max = maximum(r, maximum(g, b)), range = max - minimum(r, minimum(g, b));
        var entry = Lookup(Index(r, g, b, max, range), offsets); // weight of the moving channel below three choices
        Tensor choice = entry.Div(WeightRange).floor(), weight = entry - choice.Mul(WeightRange);

        Tensor saturation = range.Mul(255).Add(0.25).div(max.ClampMin(1)).floor(), twice = max.Mul(2);
        var low = (twice * saturation.RSub(255)).Add(255).Mul(1f / 510).floor();
        var moving = (twice * (saturation * weight).RSub(21675)).Add(21675).Mul(1f / 43350).floor();
        Tensor blue = choice.Div(Choices * Choices).floor(), rest = choice - blue.Mul(Choices * Choices);
        Tensor green = rest.Div(Choices).floor(), red = rest - green.Mul(Choices);
        return stack([Choose(red), Choose(green), Choose(blue)], 1).MoveToOuterDisposeScope();

        Tensor Choose(Tensor which) => where(which.Ge(2), max, where(which.Ge(1), moving, low));
    }

    // Twice the eight-bit hue, plus 1 where it is exactly that. Added quarters keep quotients off the integers by more than the division can err.
    private static Tensor Index(Tensor r, Tensor g, Tensor b, Tensor max, Tensor range)
    {
        using var scope = NewDisposeScope();
        Tensor isRed = r.eq(max), isGreen = g.eq(max);
        var sixth = isGreen.logical_not().to(ScalarType.Float32).Mul(2).Add(2) * isRed.logical_not().to(ScalarType.Float32);
        var rest = where(isRed, g - b, where(isGreen, b - r, r - g));
        var numerator = (sixth * range).Add(rest).Mul(85);
        numerator = numerator.Add(range.Mul(510) * numerator.sign().ClampMax(0).negative());
        var denominator = range.ClampMin(1).Mul(2);
        var hue = numerator.Add(0.25).div(denominator).floor();
        var exact = (hue * denominator).eq(numerator).to(ScalarType.Float32);
        return hue.Mul(2).Add(exact).to(ScalarType.Int64).MoveToOuterDisposeScope();
    }

    private static Tensor Lookup(Tensor index, byte[] offsets)
    {
        var tables = new float[offsets.Length * Entries];
        Span<int> packed = stackalloc int[Entries];
        for (var clip = 0; clip < offsets.Length; clip++)
        {
            HueKernel.Prepare(offsets[clip], packed);
            for (var i = 0; i < Entries; i++)
            {
                (var r, var g, var b) = ((packed[i] >> 30) & 3, (packed[i] >> 28) & 3, (packed[i] >> 26) & 3);
                tables[(clip * Entries) + i] = (packed[i] & (WeightRange - 1)) + (WeightRange * (r + (Choices * (g + (Choices * b)))));
            }
        }

        using var table = tensor(tables, [offsets.Length, Entries], device: index.device);
        using var flat = index.reshape(offsets.Length, -1);
        using var found = table.gather(1, flat);
        return found.view(index.shape);
    }
}

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
        (var n, var planes, var height, var width) = (x.shape[0], x.shape[1] * x.shape[2], x.shape[3], x.shape[4]);
        var across = Matrix([.. blurs.Select(b => (b.KernelSize, b.SigmaX))], (int)width, x.device); // [n, W, W]
        var down = Matrix([.. blurs.Select(b => (b.KernelSize, b.SigmaY))], (int)height, x.device); // [n, H, H]
        var y = ColorBatch.Quotient(x, 255).to(ScalarType.Float64).reshape(n, planes * height, width);
        y = bmm(y, across.transpose(1, 2)).view(n, planes, height, width).transpose(1, 2).reshape(n, height, planes * width); // [n, H, PW]
        y = bmm(down, y).view(n, height, planes, width).transpose(1, 2).reshape(x.shape);
        return y.to(ScalarType.Float32).Mul(255).floor().MoveToOuterDisposeScope();
    }

    private static Tensor Matrix((int Size, double Sigma)[] kernels, int side, Device device)
    {
        TapMatrix matrix = new(kernels.Length, side, kernels.Max(k => k.Size));
        for (var clip = 0; clip < kernels.Length; clip++)
        {
            var weights = GaussianBlur.Weights(kernels[clip].Size, kernels[clip].Sigma);
            for (var at = 0; at < side; at++)
            {
                for (var tap = 0; tap < weights.Length; tap++)
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
