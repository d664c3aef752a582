namespace Xkd.Pipeline;

/// <summary>Sizes, scaling and crops of test-time video. Float clips are [channels · frames, height, width].</summary>
public static class SpatialCrops
{
    /// <summary>The size of a frame whose short side becomes <paramref name="side"/>; the long one keeps the ratio, rounded down.</summary>
    public static (int Height, int Width) ShortSide(int height, int width, int side) =>
        height <= width ? (side, (int)((long)width * side / height)) : ((int)((long)height * side / width), side);

    /// <summary>The three squares along the long side: left, centre, right where the frame is at least as wide as high, else top, centre, bottom.</summary>
    /// <param name="height">Rows of the scaled frame.</param>
    /// <param name="width">Columns of the scaled frame.</param>
    /// <param name="size">Side of a crop.</param>
    public static IReadOnlyList<CropBox> Three(int height, int width, int size)
    {
        // The centre's offset rounds up, unlike a centre crop's.
        int middleRow = (height - size + 1) / 2, middleColumn = (width - size + 1) / 2;
        return width >= height
            ? [new(middleRow, 0, size, size), new(middleRow, middleColumn, size, size), new(middleRow, width - size, size, size)]
            : [new(0, middleColumn, size, size), new(middleRow, middleColumn, size, size), new(height - size, middleColumn, size, size)];
    }

    /// <summary>Cuts a box out of every plane and resizes it, bilinear with edges aligned and no antialiasing, as the reference does to float clips.</summary>
    /// <param name="planes">[planes, height, width].</param>
    /// <param name="height">Rows of a plane.</param>
    /// <param name="width">Columns of a plane.</param>
    /// <param name="box">Part to take.</param>
    /// <param name="toHeight">Rows of the result.</param>
    /// <param name="toWidth">Columns of the result.</param>
    /// <param name="destination">Receives [planes, toHeight, toWidth].</param>
    public static void Resize(ReadOnlySpan<float> planes, int height, int width, CropBox box, int toHeight, int toWidth, Span<float> destination)
    {
        var count = planes.Length / (height * width);
        if (destination.Length != count * toHeight * toWidth)
        {
            throw new ArgumentException($"{count} planes of {toWidth}x{toHeight} do not fill {destination.Length} values.", nameof(destination));
        }
        Tap[] rows = Taps(box.Height, toHeight), columns = Taps(box.Width, toWidth);
        for (var plane = 0; plane < count; plane++)
        {
            for (var y = 0; y < toHeight; y++)
            {
                var row = rows[y];
                var start = plane * height * width + box.Left;
                var upper = planes.Slice(start + (box.Top + row.First) * width, box.Width);
                var lower = planes.Slice(start + (box.Top + row.Second) * width, box.Width);
                var result = destination.Slice((plane * toHeight + y) * toWidth, toWidth);
                for (var x = 0; x < toWidth; x++)
                {
                    var column = columns[x];
                    var above = upper[column.First] * (1 - column.Share) + upper[column.Second] * column.Share;
                    var below = lower[column.First] * (1 - column.Share) + lower[column.Second] * column.Share;
                    result[x] = above * (1 - row.Share) + below * row.Share;
                }
            }
        }
    }

    /// <summary>Copies a box out of every plane.</summary>
    /// <param name="planes">[planes, height, width].</param>
    /// <param name="height">Rows of a plane.</param>
    /// <param name="width">Columns of a plane.</param>
    /// <param name="box">Part to copy.</param>
    /// <param name="destination">Receives [planes, box height, box width].</param>
    public static void Crop(ReadOnlySpan<float> planes, int height, int width, CropBox box, Span<float> destination)
    {
        var count = planes.Length / (height * width);
        for (var plane = 0; plane < count; plane++)
        {
            for (var y = 0; y < box.Height; y++)
            {
                planes.Slice((plane * height + box.Top + y) * width + box.Left, box.Width).CopyTo(destination[((plane * box.Height + y) * box.Width)..]);
            }
        }
    }

    private static Tap[] Taps(int input, int output)
    {
        var taps = new Tap[output];
        var scale = (float)input / output;
        for (var i = 0; i < output; i++)
        {
            // A float32 scale, but no rounding between the product and the fraction: PyTorch's compiler fuses them.
            var at = Math.Max((double)scale * (i + 0.5) - 0.5, 0);
            var first = Math.Min((int)at, input - 1);
            taps[i] = new Tap(first, Math.Min(first + 1, input - 1), (float)(at - first));
        }
        return taps;
    }

    private readonly record struct Tap(int First, int Second, float Share);
}
