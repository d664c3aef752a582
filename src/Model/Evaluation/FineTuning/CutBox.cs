namespace Xkd.Model.Evaluation;

/// <summary>A box of pixels: rows <see cref="Top"/> … <see cref="Bottom"/> − 1, columns <see cref="Left"/> … <see cref="Right"/> − 1.</summary>
public sealed record CutBox(int Top, int Bottom, int Left, int Right)
{
    /// <summary>The box of area 1 − λ around a centre, clipped at the image (CutMix, Yun et al., ICCV 2019): sides are cut down to whole pixels, and half a side again.</summary>
    public static CutBox Around(int height, int width, double lambda, int centreY, int centreX)
    {
        double ratio = Math.Sqrt(1 - lambda);
        int halfHeight = (int)(height * ratio) / 2, halfWidth = (int)(width * ratio) / 2;
        return new CutBox(
            Math.Clamp(centreY - halfHeight, 0, height), Math.Clamp(centreY + halfHeight, 0, height),
            Math.Clamp(centreX - halfWidth, 0, width), Math.Clamp(centreX + halfWidth, 0, width));
    }

    /// <summary>Share of the image that stays: what λ becomes after clipping.</summary>
    public double Kept(int height, int width) => 1 - ((Bottom - Top) * (Right - Left) / (double)(height * width));
}
