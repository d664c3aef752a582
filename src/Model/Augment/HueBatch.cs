using Xkd.Model.Native;
using Xkd.Pipeline;
using static TorchSharp.torch;

namespace Xkd.Model.Augment;

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
        Tensor entry = Lookup(Index(r, g, b, max, range), offsets); // weight of the moving channel below three choices
        Tensor choice = entry.Over(WeightRange).floor(), weight = entry - choice.Times(WeightRange);

        Tensor saturation = range.Times(255).Plus(0.25).div(max.ClampBelow(1)).floor(), twice = max.Times(2);
        Tensor low = (twice * saturation.From(255)).Plus(255).Times(1f / 510).floor();
        Tensor moving = (twice * (saturation * weight).From(21675)).Plus(21675).Times(1f / 43350).floor();
        Tensor blue = choice.Over(Choices * Choices).floor(), rest = choice - blue.Times(Choices * Choices);
        Tensor green = rest.Over(Choices).floor(), red = rest - green.Times(Choices);
        return stack([Choose(red), Choose(green), Choose(blue)], 1).MoveToOuterDisposeScope();

        Tensor Choose(Tensor which) => where(which.AtLeast(2), max, where(which.AtLeast(1), moving, low));
    }

    // Twice the eight-bit hue, plus 1 where it is exactly that. Added quarters keep quotients off the integers by more than the division can err.
    private static Tensor Index(Tensor r, Tensor g, Tensor b, Tensor max, Tensor range)
    {
        using var scope = NewDisposeScope();
        Tensor isRed = r.eq(max), isGreen = g.eq(max);
        Tensor sixth = isGreen.logical_not().to(ScalarType.Float32).Times(2).Plus(2) * isRed.logical_not().to(ScalarType.Float32);
        Tensor rest = where(isRed, g - b, where(isGreen, b - r, r - g));
        Tensor numerator = ((sixth * range) + rest).Times(85);
        numerator = numerator + (range.Times(510) * numerator.sign().ClampAbove(0).negative());
        Tensor denominator = range.ClampBelow(1).Times(2);
        Tensor hue = numerator.Plus(0.25).div(denominator).floor();
        Tensor exact = (hue * denominator).eq(numerator).to(ScalarType.Float32);
        return (hue.Times(2) + exact).to(ScalarType.Int64).MoveToOuterDisposeScope();
    }

    private static Tensor Lookup(Tensor index, byte[] offsets)
    {
        float[] tables = new float[offsets.Length * Entries];
        Span<int> packed = stackalloc int[Entries];
        for (int clip = 0; clip < offsets.Length; clip++)
        {
            HueKernel.Prepare(offsets[clip], packed);
            for (int i = 0; i < Entries; i++)
            {
                (int r, int g, int b) = ((packed[i] >> 30) & 3, (packed[i] >> 28) & 3, (packed[i] >> 26) & 3);
                tables[(clip * Entries) + i] = (packed[i] & (WeightRange - 1)) + (WeightRange * (r + (Choices * (g + (Choices * b)))));
            }
        }

        using Tensor table = tensor(tables, [offsets.Length, Entries], device: index.device);
        using Tensor flat = index.reshape(offsets.Length, -1);
        using Tensor found = table.gather(1, flat);
        return found.view(index.shape);
    }
}
