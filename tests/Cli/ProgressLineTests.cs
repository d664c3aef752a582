using Xkd.Cli.Hosting;

namespace Xkd.Cli.Tests;

public sealed class ProgressLineTests
{
    [Theory]
    [InlineData(30, "30s")]
    [InlineData(106, "1m46s")]
    [InlineData(7_500, "2h05m")]
    [InlineData(86_399, "23h59m")]
    [InlineData(86_400, "1d")]
    [InlineData((11 * 86_400) + 3_725, "11d01h")]
    public void Figures_Remaining_ShowsTwoUnits(long seconds, string eta) =>
        Assert.Equal($"  50% 1/2, 0.5/s, ETA {eta}, a note", ProgressLine.Figures(1, 2, 0.5, TimeSpan.FromSeconds(seconds), "a note"));

    [Theory]
    [InlineData(0, 0, " 0, 0.0/s")]
    [InlineData(1999, 2000, "  99% 1999/2000, 0.0/s")]
    [InlineData(2000, 2000, " 100% 2000/2000, 0.0/s")]
    public void Figures_Share_Is100OnlyAtTheEnd(long done, long total, string line) => Assert.Equal(line, ProgressLine.Figures(done, total, 0, null, null));
}
