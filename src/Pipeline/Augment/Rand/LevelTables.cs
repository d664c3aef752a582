namespace Xkd.Pipeline;

/// <summary>Operations that replace levels channel by channel, as tables of 256 entries, the numbers those of Pillow's <c>ImageOps</c> and <c>ImageEnhance</c>.</summary>
internal static class LevelTables
{
    public const int Levels = 256;

    /// <summary>Stretches the channel's range to the whole.</summary>
    public static void AutoContrast(ReadOnlySpan<int> histogram, Span<byte> table)
    {
        int low = 0, high = Levels - 1;
        while (low < Levels - 1 && histogram[low] == 0)
        {
            low++;
        }

        while (high > 0 && histogram[high] == 0)
        {
            high--;
        }

        double scale = high > low ? 255.0 / (high - low) : 1, offset = high > low ? -low * scale : 0;
        Fill(table, v => (int)((v * scale) + offset));
    }

    /// <summary>Flattens the channel's histogram.</summary>
    public static void Equalize(ReadOnlySpan<int> histogram, Span<byte> table)
    {
        int last = Levels - 1, pixels = 0;
        while (last > 0 && histogram[last] == 0)
        {
            last--;
        }

        foreach (var count in histogram)
        {
            pixels += count;
        }

        var step = (pixels - histogram[last]) / 255;
        var sum = step / 2;
        for (var v = 0; v < Levels; v++)
        {
            table[v] = (byte)(step == 0 ? v : Math.Clamp(sum / step, 0, 255));
            sum += histogram[v];
        }
    }

    public static void Invert(Span<byte> table) => Fill(table, v => 255 - v);

    public static void Posterize(int bits, Span<byte> table) => Fill(table, v => v & ~((1 << (8 - bits)) - 1));

    public static void Solarize(int threshold, Span<byte> table) => Fill(table, v => v < threshold ? v : 255 - v);

    public static void SolarizeAdd(int added, Span<byte> table) => Fill(table, v => v < 128 ? v + added : v);

    /// <summary>Blends with one grey level.</summary>
    public static void Blend(int grey, double factor, Span<byte> table) => Fill(table, v => (int)(grey + ((float)factor * (v - grey))));

    private static void Fill(Span<byte> table, Func<int, int> of)
    {
        for (var v = 0; v < Levels; v++)
        {
            table[v] = (byte)Math.Clamp(of(v), 0, 255);
        }
    }
}
