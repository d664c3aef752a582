namespace Xkd.Pipeline;

/// <summary>Sizes and crops of test-time video.</summary>
public static class SpatialCrops
{
    /// <summary>The size of a frame whose short side becomes <paramref name="side"/>; the long one keeps the ratio, rounded down.</summary>
    public static (int Height, int Width) ShortSide(int height, int width, int side) =>
        height <= width ? (side, (int)((long)width * side / height)) : ((int)((long)height * side / width), side);
}
