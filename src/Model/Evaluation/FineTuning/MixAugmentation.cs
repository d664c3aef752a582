using Xkd.Model.Torch;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>A box of pixels: rows <see cref="Top"/> … <see cref="Bottom"/> − 1, columns <see cref="Left"/> … <see cref="Right"/> − 1.</summary>
public sealed record CutBox(int Top, int Bottom, int Left, int Right)
{
    /// <summary>The box of area 1 − λ around a centre, clipped at the image: sides are cut down to whole pixels, and half a side again.</summary>
    public static CutBox Around(int height, int width, double lambda, int centreY, int centreX)
    {
        var ratio = Math.Sqrt(1 - lambda);
        int halfHeight = (int)(height * ratio) / 2, halfWidth = (int)(width * ratio) / 2;
        return new CutBox(
            Math.Clamp(centreY - halfHeight, 0, height), Math.Clamp(centreY + halfHeight, 0, height),
            Math.Clamp(centreX - halfWidth, 0, width), Math.Clamp(centreX + halfWidth, 0, width));
    }

    /// <summary>Share of the image that stays: what λ becomes after clipping.</summary>
    public double Kept(int height, int width) => 1 - ((Bottom - Top) * (Right - Left) / (double)(height * width));
}

/// <summary>What was drawn for one batch.</summary>
internal sealed record MixDraw
{
    /// <summary>Share of the sample itself, 0 … 1; the rest is its partner's. For CutMix the box's clipped area decides it.</summary>
    public required double Lambda { get; init; }

    /// <summary>The cut box; null for Mixup.</summary>
    public CutBox? Box { get; init; }

    /// <summary>Nothing is mixed.</summary>
    public static MixDraw None { get; } = new() { Lambda = 1 };
}

/// <summary>
/// Mixup (Zhang et al., ICLR 2018) and CutMix (Yun et al., ICCV 2019) of a whole batch with one draw, as fine-tuning uses them: sample i is mixed with sample
/// B − 1 − i, and labels become distributions.
/// </summary>
internal sealed class MixAugmentation(MixSection options)
{
    /// <summary>The draw of one batch: a function of seed and step alone, so that a resumed run mixes as the uninterrupted one would.</summary>
    public MixDraw Draw(ulong seed, long step, int height, int width)
    {
        bool mixup = options.Mixup > 0, cut = options.Cutmix > 0;
        var random = new SplitMix64(unchecked((seed * 0xD1342543DE82EF95UL) + ((ulong)step * 0xA0761D6478BD642FUL)));
        if (random.NextDouble() >= options.Probability || !(mixup || cut))
        {
            return MixDraw.None;
        }

        if (!(cut && (!mixup || random.NextDouble() < options.Switch)))
        {
            return new MixDraw { Lambda = Beta(ref random, options.Mixup) };
        }

        var lambda = Beta(ref random, options.Cutmix);
        var box = CutBox.Around(height, width, lambda, random.Next(height), random.Next(width));
        return new MixDraw { Lambda = box.Kept(height, width), Box = box };
    }

    /// <summary>Mixed inputs: a new tensor of the shape of <paramref name="input"/>, [B, C, (T,) H, W]; B must be even.</summary>
    /// <exception cref="UsageException">An odd batch, whose middle sample would be its own partner.</exception>
    public Tensor Apply(Tensor input, MixDraw draw)
    {
        if (input.shape[0] % 2 != 0)
        {
            throw new UsageException($"mixing: a batch of {input.shape[0]} has no pairs; use an even batch size.");
        }

        using var scope = NewDisposeScope();
        var partner = input.flip(0);
        if (draw.Box is not { } box)
        {
            return input.Mul(draw.Lambda).AddInPlace(partner.Mul(1 - draw.Lambda)).MoveToOuterDisposeScope();
        }

        var mixed = input.clone();
        var released = options.CutmixTimeAndHeight && input.dim() == 5;
        var rows = released ? 2 : (int)input.dim() - 2;
        Cut(mixed, rows, box).copy_(Cut(partner, rows, box));
        return mixed.MoveToOuterDisposeScope();
    }

    /// <summary>Soft targets [B, classes] of int64 labels [B], with label smoothing.</summary>
    public Tensor Targets(Tensor labels, int classes, MixDraw draw)
    {
        using var scope = NewDisposeScope();
        double off = options.LabelSmoothing / classes, on = 1 - options.LabelSmoothing + off;
        var own = nn.functional.one_hot(labels, classes).to(ScalarType.Float32).Mul(on - off).Add(off); // [B, classes]
        return own.Mul(draw.Lambda).Add(own.flip(0).Mul(1 - draw.Lambda)).MoveToOuterDisposeScope();
    }

    /// <summary>The box along axes <paramref name="rows"/> and <paramref name="rows"/> + 1, ending where the axis ends.</summary>
    private static Tensor Cut(Tensor tensor, int rows, CutBox box)
    {
        long top = Math.Min(box.Top, tensor.shape[rows]), bottom = Math.Min(box.Bottom, tensor.shape[rows]);
        long left = Math.Min(box.Left, tensor.shape[rows + 1]), right = Math.Min(box.Right, tensor.shape[rows + 1]);
        return tensor.narrow(rows, top, bottom - top).narrow(rows + 1, left, right - left);
    }

    /// <summary>Beta(α, α) from two gamma variates.</summary>
    private static double Beta(ref SplitMix64 random, double alpha)
    {
        // In logarithms: for a small α both variates may underflow.
        double a = LogGammaVariate(ref random, alpha), b = LogGammaVariate(ref random, alpha);
        return 1 / (1 + Math.Exp(b - a));
    }

    /// <summary>Logarithm of a Gamma(shape, 1) variate (Marsaglia and Tsang 2000).</summary>
    private static double LogGammaVariate(ref SplitMix64 random, double shape)
    {
        var boost = shape < 1 ? Math.Log(1 - random.NextDouble()) / shape : 0;
        double d = (shape < 1 ? shape + 1 : shape) - (1.0 / 3), c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            double x = random.NextNormal(), v = Math.Pow(1 + (c * x), 3);
            if (v > 0 && Math.Log(1 - random.NextDouble()) < (0.5 * x * x) + d - (d * v) + (d * Math.Log(v)))
            {
                return Math.Log(d * v) + boost;
            }
        }
    }
}
