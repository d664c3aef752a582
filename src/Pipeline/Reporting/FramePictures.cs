using System.Runtime.InteropServices;
using SkiaSharp;

namespace Xkd.Pipeline;

/// <summary>Pictures of frames and spectrograms for people, as PNG.</summary>
public static class FramePictures
{
    private const int Gap = 2, Caption = 14, FrequencyWidth = 48, TimeWidth = 60, Tick = 4;

    /// <summary>
    /// A contact sheet: <paramref name="rows"/> of frames, each frame rgb24 [height, width, 3], with a caption under each.
    /// All frames are of one size.
    /// </summary>
    public static byte[] ContactSheet(IReadOnlyList<IReadOnlyList<(byte[] Rgb, string Caption)>> rows, int width, int height, int scale = 1)
    {
        int columns = rows.Max(r => r.Count), cellWidth = (width * scale) + Gap, cellHeight = (height * scale) + Caption + Gap;
        using SKBitmap sheet = new((columns * cellWidth) + Gap, (rows.Count * cellHeight) + Gap);
        using SKCanvas canvas = new(sheet);
        canvas.Clear(SKColors.White);
        using SKPaint text = new() { Color = SKColors.Black, TextSize = 11, IsAntialias = true };
        using SKPaint smooth = new() { FilterQuality = scale > 1 ? SKFilterQuality.None : SKFilterQuality.Medium };
        for (var r = 0; r < rows.Count; r++)
        {
            for (var c = 0; c < rows[r].Count; c++)
            {
                (var rgb, var caption) = rows[r][c];
                int x = Gap + (c * cellWidth), y = Gap + (r * cellHeight);
                using var frame = FromRgb(rgb, width, height);
                canvas.DrawBitmap(frame, SKRect.Create(x, y, width * scale, height * scale), smooth);
                canvas.DrawText(caption, x + 1, y + (height * scale) + Caption - 3, text);
            }
        }

        return Encode(sheet);
    }

    /// <summary>A picture of rgb24 [height, width, 3], as PNG.</summary>
    public static byte[] Png(ReadOnlySpan<byte> rgb, int width, int height)
    {
        using var bitmap = FromRgb(rgb, width, height);
        return Encode(bitmap);
    }

    /// <summary>A log-mel [mels, frames], low frequencies at the bottom, coloured from its own minimum to its own maximum.</summary>
    public static byte[] Spectrogram(ReadOnlySpan<float> mel, int mels, int frames, int scale = 2, SpectrogramAxes? axes = null) =>
        Spectrogram(mel, mels, frames, float.NaN, float.NaN, scale, axes);

    /// <summary>
    /// A log-mel [mels, frames] coloured from <paramref name="low"/> to <paramref name="high"/> (NaN: its own extremes), with times and frequencies where
    /// <paramref name="axes"/> tell them.
    /// </summary>
    public static byte[] Spectrogram(ReadOnlySpan<float> mel, int mels, int frames, float low, float high, int scale = 2, SpectrogramAxes? axes = null)
    {
        using var small = FromRgb(SpectrogramPixels(mel, mels, frames, low, high), frames, mels);
        int left = axes is null ? 0 : FrequencyWidth, right = axes is null ? 0 : TimeWidth / 2, bottom = axes is null ? 0 : Caption + Tick;
        using SKBitmap large = new(left + (frames * scale) + right, (mels * scale) + bottom);
        using SKCanvas canvas = new(large);
        canvas.Clear(SKColors.White);
        canvas.DrawBitmap(small, SKRect.Create(left, 0, frames * scale, mels * scale));
        if (axes is not null)
        {
            DrawAxes(canvas, axes, mels, frames, scale);
        }

        return Encode(large);
    }

    /// <summary>The same as rgb24 [mels, frames, 3], the highest band first.</summary>
    public static byte[] SpectrogramPixels(ReadOnlySpan<float> mel, int mels, int frames, float low = float.NaN, float high = float.NaN)
    {
        if (float.IsNaN(low) || float.IsNaN(high))
        {
            (low, high) = Extremes(mel[..(mels * frames)]);
        }

        var rgb = new byte[mels * frames * 3];
        for (var m = 0; m < mels; m++)
        {
            for (var t = 0; t < frames; t++)
            {
                (var red, var green, var blue) = Colour(high > low ? (mel[(m * frames) + t] - low) / (high - low) : 0);
                var at = (((mels - 1 - m) * frames) + t) * 3;
                (rgb[at], rgb[at + 1], rgb[at + 2]) = (red, green, blue);
            }
        }

        return rgb;
    }

    /// <summary>A picture under a map of attention: bright and red where it is high, dark where it is low.</summary>
    /// <param name="rgb">rgb24 [height, width, 3].</param>
    /// <param name="width">Pixels.</param>
    /// <param name="height">Pixels.</param>
    /// <param name="map">[rows, columns], the uppermost row first.</param>
    /// <param name="rows">Rows of the map.</param>
    /// <param name="columns">Columns of the map.</param>
    /// <param name="low">What is darkest.</param>
    /// <param name="high">What is brightest.</param>
    /// <returns>rgb24 [height, width, 3].</returns>
    public static byte[] Attended(ReadOnlySpan<byte> rgb, int width, int height, ReadOnlySpan<float> map, int rows, int columns, float low, float high)
    {
        var result = new byte[rgb.Length];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var value = map[(y * rows / height * columns) + (x * columns / width)];
                var share = high > low ? Math.Clamp((value - low) / (high - low), 0, 1) : 0;
                var at = ((y * width) + x) * 3;
                for (var channel = 0; channel < 3; channel++)
                {
                    var red = channel == 0 ? 90 * share : 0;
                    result[at + channel] = (byte)Math.Min(255, (rgb[at + channel] * (0.35f + (0.65f * share))) + red);
                }
            }
        }

        return result;
    }

    /// <summary>The smallest and the largest of values.</summary>
    public static (float Low, float High) Extremes(ReadOnlySpan<float> values)
    {
        (var low, var high) = (float.PositiveInfinity, float.NegativeInfinity);
        foreach (var value in values)
        {
            (low, high) = (Math.Min(low, value), Math.Max(high, value));
        }

        return (low, high);
    }

    private static void DrawAxes(SKCanvas canvas, SpectrogramAxes axes, int mels, int frames, int scale)
    {
        using SKPaint text = new() { Color = SKColors.Black, TextSize = 11, IsAntialias = true };
        var above = float.PositiveInfinity;
        foreach ((var band, var name) in axes.Frequencies(mels))
        {
            var y = (float)((mels - band - 0.5) * scale);
            if (y < above - Caption) // the names of low octaves would lie on one another
            {
                canvas.DrawText(name, FrequencyWidth - Tick - Gap - text.MeasureText(name), Math.Max(y + 4, Caption - 4), text);
                canvas.DrawLine(FrequencyWidth - Tick, y, FrequencyWidth, y, text);
                above = y;
            }
        }

        foreach ((var column, var name) in axes.Times(frames, TimeWidth / (double)scale))
        {
            var x = FrequencyWidth + (float)(column * scale);
            canvas.DrawLine(x, mels * scale, x, (mels * scale) + Tick, text);
            canvas.DrawText(name, x - (text.MeasureText(name) / 2), (mels * scale) + Caption + 1, text);
        }
    }

    // Dark blue through teal and yellow to white: monotone in lightness, so it reads in gray too.
    private static (byte Red, byte Green, byte Blue) Colour(float share)
    {
        var s = Math.Clamp(float.IsNaN(share) ? 0 : share, 0, 1);
        static float Ramp(float s, float a, float b, float c, float d) =>
            s < 1 / 3f ? a + ((b - a) * s * 3) : s < 2 / 3f ? b + ((c - b) * ((s * 3) - 1)) : c + ((d - c) * ((s * 3) - 2));
        return ((byte)Ramp(s, 12, 20, 220, 255), (byte)Ramp(s, 10, 120, 190, 255), (byte)Ramp(s, 60, 140, 60, 240));
    }

    private static SKBitmap FromRgb(ReadOnlySpan<byte> rgb, int width, int height)
    {
        var pixels = new byte[width * height * 4];
        for (var i = 0; i < width * height; i++)
        {
            rgb.Slice(i * 3, 3).CopyTo(pixels.AsSpan(i * 4));
            pixels[(i * 4) + 3] = 255;
        }

        SKBitmap bitmap = new(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        Marshal.Copy(pixels, 0, bitmap.GetPixels(), pixels.Length);
        return bitmap;
    }

    private static byte[] Encode(SKBitmap bitmap)
    {
        using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }
}
