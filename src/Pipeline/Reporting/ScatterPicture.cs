using SkiaSharp;

namespace Xkd.Pipeline;

/// <summary>Points of a plane coloured by class, for people; PNG.</summary>
public static class ScatterPicture
{
    private const int Side = 800, Margin = 30, LegendWidth = 220, LegendLine = 18, MostNamed = 40;

    /// <param name="points">Row-major [points, 2].</param>
    /// <param name="labels">Class of each point, −1 for none.</param>
    /// <param name="classes">Names by class; the first forty are listed.</param>
    /// <param name="caption">A line at the bottom.</param>
    public static byte[] Png(IReadOnlyList<double> points, IReadOnlyList<int> labels, IReadOnlyList<string> classes, string caption)
    {
        using SKBitmap picture = new(Side + LegendWidth, Side + LegendLine);
        using SKCanvas canvas = new(picture);
        canvas.Clear(SKColors.White);
        using SKPaint paint = new() { IsAntialias = true, TextSize = 12 };
        (var x0, var x1) = Extent(points, 0);
        (var y0, var y1) = Extent(points, 1);
        for (var i = 0; i < labels.Count; i++)
        {
            paint.Color = Colour(labels[i]).WithAlpha(170);
            float x = Margin + (float)((points[2 * i] - x0) / (x1 - x0) * (Side - (2 * Margin))), y = Side - Margin - (float)((points[(2 * i) + 1] - y0) / (y1 - y0) * (Side - (2 * Margin)));
            Mark(canvas, labels[i], x, y, 3, paint);
        }

        for (var c = 0; c < Math.Min(MostNamed, classes.Count); c++)
        {
            paint.Color = Colour(c);
            Mark(canvas, c, Side + 8, Margin + (c * LegendLine), 5, paint);
            paint.Color = SKColors.Black;
            canvas.DrawText(classes[c], Side + 18, Margin + (c * LegendLine) + 4, paint);
        }

        paint.Color = SKColors.Black;
        canvas.DrawText(caption, Margin, Side + 8, paint);
        using var png = picture.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    // Colours repeat after the last; the mark tells the rounds: a disc, a square, a ring.
    private static void Mark(SKCanvas canvas, int label, float x, float y, float radius, SKPaint paint)
    {
        var round = label < 0 ? 0 : label / Palette.Count % 3;
        paint.Style = round == 2 ? SKPaintStyle.Stroke : SKPaintStyle.Fill;
        if (round == 1)
        {
            canvas.DrawRect(x - radius, y - radius, 2 * radius, 2 * radius, paint);
        }
        else
        {
            canvas.DrawCircle(x, y, radius, paint);
        }

        paint.Style = SKPaintStyle.Fill;
    }

    private static SKColor Colour(int label) => label < 0 ? SKColors.Gray : SKColor.Parse(Palette.Colour(label));

    private static (double Low, double High) Extent(IReadOnlyList<double> points, int axis)
    {
        (var low, var high) = (double.PositiveInfinity, double.NegativeInfinity);
        for (var i = axis; i < points.Count; i += 2)
        {
            (low, high) = (Math.Min(low, points[i]), Math.Max(high, points[i]));
        }

        return high > low ? (low, high) : (low - 1, low + 1);
    }
}
