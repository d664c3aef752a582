namespace Xkd.Pipeline.Tests;

/// <summary>Pillow's operations on single values, transcribed from their definitions with Pillow's own mixture of types.</summary>
internal static class PillowReference
{
    public static byte Luma(int r, int g, int b) => (byte)((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16);

    public static byte Blend(int grey, int pixel, float factor)
    {
        var value = (float)grey + factor * (float)(pixel - grey);
        return value <= 0 ? (byte)0 : value >= 255 ? (byte)255 : (byte)value;
    }

    public static (byte R, byte G, byte B) ShiftHue(byte r, byte g, byte b, byte offset)
    {
        byte max = Math.Max(r, Math.Max(g, b)), min = Math.Min(r, Math.Min(g, b));
        byte hue = 0, saturation = 0;
        if (max != min)
        {
            float range = max - min;
            float s = range / max, rc = (max - r) / range, gc = (max - g) / range, bc = (max - b) / range;
            var h = r == max ? bc - gc : g == max ? (float)(2.0 + rc - bc) : (float)(4.0 + gc - rc);
            h = (float)((h / 6.0 + 1.0) % 1.0);
            hue = (byte)Math.Clamp((int)(h * 255.0), 0, 255);
            saturation = (byte)Math.Clamp((int)(s * 255.0), 0, 255);
        }
        return ToRgb((byte)(hue + offset), saturation, max);
    }

    /// <summary>One axis of the antialiased bilinear resize: output value i of <paramref name="source"/>.</summary>
    public static byte Resize(ReadOnlySpan<byte> source, int outputs, int i)
    {
        double scale = (double)source.Length / outputs, support = Math.Max(scale, 1), center = (i + 0.5) * scale;
        int first = Math.Max((int)(center - support + 0.5), 0), end = Math.Min((int)(center + support + 0.5), source.Length);
        double total = 0;
        for (var x = first; x < end; x++)
        {
            total += Triangle((x - center + 0.5) / support);
        }
        long sum = 1 << 21;
        for (var x = first; x < end; x++)
        {
            sum += source[x] * (long)(Triangle((x - center + 0.5) / support) / total * (1 << 22) + 0.5);
        }
        return (byte)Math.Clamp(sum >> 22, 0, 255);
    }

    private static double Triangle(double x) => Math.Max(0, 1 - Math.Abs(x));

    private static (byte R, byte G, byte B) ToRgb(byte h, byte s, byte v)
    {
        if (s == 0)
        {
            return (v, v, v);
        }
        var i = (int)Math.Floor((float)h * 6.0 / 255.0);
        float f = (float)((float)h * 6.0 / 255.0 - (float)i), fs = (float)((float)s / 255.0);
        byte p = Round((float)v * (1.0 - fs)), q = Round((float)v * (1.0 - fs * f)), t = Round((float)v * (1.0 - fs * (1.0 - f)));
        return (i % 6) switch { 0 => (v, t, p), 1 => (q, v, p), 2 => (p, v, t), 3 => (p, q, v), 4 => (t, p, v), _ => (v, p, q) };
    }

    private static byte Round(double value) => (byte)Math.Clamp((int)Math.Round(value, MidpointRounding.AwayFromZero), 0, 255);
}
