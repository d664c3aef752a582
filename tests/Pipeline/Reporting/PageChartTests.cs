using System.Globalization;
using System.Text.Json;

namespace Xkd.Pipeline.Tests;

public sealed class PageChartTests
{
    [Fact]
    public void Line_ValuesThatAreNotFinite_AreGaps()
    {
        var drawn = PageChart.Lines("c", "step", "nats", from0: true, range: [0, 2])
            .Line("a", [1, 2, 3], [0.123456789, double.NaN, double.PositiveInfinity], 9);
        using var json = JsonDocument.Parse(drawn.ToJson());
        var chart = json.RootElement;
        var line = chart.GetProperty("series")[0];
        Assert.Equal("[0.123457,null,null]", line.GetProperty("y").GetRawText());
        Assert.Equal((Palette.Colour(1), "dash"), (line.GetProperty("colour").GetString(), line.GetProperty("dash").GetString()));
        Assert.Equal(("step", "nats"), (chart.GetProperty("x").GetString(), chart.GetProperty("y").GetString()));
        Assert.Equal((true, "[0,2]"), (chart.GetProperty("from0").GetBoolean(), chart.GetProperty("range").GetRawText()));
    }

    [Fact]
    public void Line_OfManyPoints_IsTheMeansOfNeighbours()
    {
        double[] x = [.. Enumerable.Range(0, 2000).Select(i => (double)i)];
        var line = PageChart.Lines("c", "x", "y").Line("a", x, [.. x.Select(v => 2 * v)], 0).Series[0];
        Assert.Equal(1000, line.X.Count);
        Assert.Equal((0.5, 1.0), (line.X[0], line.Y[0]));
        Assert.Equal((1998.5, 3997.0), (line.X[^1], line.Y[^1]));
    }

    [Fact]
    public void Palette_EveryColour_StandsOutFromWhiteAndFromDark()
    {
        for (var i = 0; i < Palette.Count; i++)
        {
            var colour = Luminance(Palette.Colour(i));
            Assert.True((1.05 / (colour + 0.05)) > 2.9, $"{Palette.Colour(i)} on white");
            Assert.True(((colour + 0.05) / (Luminance("#12171f") + 0.05)) > 3, $"{Palette.Colour(i)} on dark");
        }
    }

    [Fact]
    public void Palette_NeighboursOfARound_DifferInSymbolToo()
    {
        for (var i = 0; i < 64; i++)
        {
            Assert.NotEqual(Palette.Symbol(i), Palette.Symbol(i + 1));
            Assert.NotEqual((Palette.Colour(i), Palette.Symbol(i)), (Palette.Colour(i + Palette.Count), Palette.Symbol(i + Palette.Count)));
        }
    }

    // WCAG 2's relative luminance.
    private static double Luminance(string hex)
    {
        double[] linear = [.. Enumerable.Range(0, 3)
            .Select(i => int.Parse(hex.AsSpan(1 + (2 * i), 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture) / 255.0)
            .Select(v => v <= 0.04045 ? v / 12.92 : Math.Pow((v + 0.055) / 1.055, 2.4))];
        return (0.2126 * linear[0]) + (0.7152 * linear[1]) + (0.0722 * linear[2]);
    }
}
