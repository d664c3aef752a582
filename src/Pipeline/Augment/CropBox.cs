namespace Xkd.Pipeline;

/// <summary>A rectangle of a frame, in pixels.</summary>
/// <param name="Top">First row.</param>
/// <param name="Left">First column.</param>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
public readonly record struct CropBox(int Top, int Left, int Height, int Width)
{
    /// <summary>The centred <paramref name="height"/> × <paramref name="width"/> rectangle of a frame; odd margins round half to even, as torchvision's do.</summary>
    public static CropBox Centered(int frameHeight, int frameWidth, int height, int width) =>
        new((int)Math.Round((frameHeight - height) / 2.0), (int)Math.Round((frameWidth - width) / 2.0), height, width);

    /// <summary>The whole frame.</summary>
    public static CropBox Whole(int frameHeight, int frameWidth) => new(0, 0, frameHeight, frameWidth);
}
