using SkiaSharp;

namespace Xkd.Pipeline;

/// <summary>A confusion matrix for people: rows are true classes, columns predicted ones, darkness the share of the row, as its first line says; PNG.</summary>
public static class ConfusionPicture
{
    private const int Side = 960, Legend = 190, Named = 60, SmallestCell = 2, NumberedCell = 26, Head = 20;

    /// <param name="counts">Clips by true (row) and predicted (column) class.</param>
    /// <param name="classes">Names by index; written beside the rows while there is room.</param>
    public static byte[] Png(IReadOnlyList<int[]> counts, IReadOnlyList<string> classes)
    {
        int cell = Math.Max(SmallestCell, Side / counts.Count), side = cell * counts.Count, left = counts.Count <= Named ? Legend : 0;
        using SKBitmap picture = new(left + side, Head + left + side);
        using SKCanvas canvas = new(picture);
        canvas.Clear(SKColors.White);
        using SKPaint title = new() { Color = SKColors.Black, TextSize = 13, IsAntialias = true };
        canvas.DrawText("rows: true class; columns: predicted class; shade: share of the row", 4, Head - 6, title);
        canvas.Translate(0, Head);
        using SKPaint fill = new(), text = new() { Color = SKColors.Black, TextSize = Math.Clamp(cell * 0.7f, 8, 13), IsAntialias = true };
        for (var row = 0; row < counts.Count; row++)
        {
            var total = counts[row].Sum();
            for (var column = 0; column < counts.Count; column++)
            {
                var share = total > 0 ? counts[row][column] / (double)total : 0;
                fill.Color = Shade(share);
                canvas.DrawRect(left + (column * cell), left + (row * cell), cell, cell, fill);
                if (cell >= NumberedCell && counts[row][column] > 0)
                {
                    text.Color = share > 0.35 ? SKColors.White : SKColors.Black;
                    canvas.DrawText($"{counts[row][column]}", left + (column * cell) + 3, left + (row * cell) + (cell * 0.65f), text);
                }
            }

            if (left > 0)
            {
                text.Color = SKColors.Black;
                canvas.DrawText(classes[row], 4, left + (row * cell) + (cell * 0.65f), text);
                canvas.Save();
                canvas.Translate(left + (row * cell) + (cell * 0.65f), left - 4);
                canvas.RotateDegrees(-90);
                canvas.DrawText(classes[row], 0, 0, text);
                canvas.Restore();
            }
        }

        using var png = picture.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    // White through blue to near black; the square root lets rare confusions show.
    private static SKColor Shade(double share)
    {
        var s = Math.Sqrt(share);
        return new SKColor((byte)(250 - (225 * s)), (byte)(250 - (190 * s)), (byte)(255 - (125 * s)));
    }
}
