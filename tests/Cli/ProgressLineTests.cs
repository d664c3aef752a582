using Xkd.Cli.Hosting;

namespace Xkd.Cli.Tests;

public sealed class ProgressLineTests
{
    [Theory]
    [InlineData(30, "00:00:30")]
    [InlineData(86_399, "23:59:59")]
    [InlineData(86_400, "1.00:00:00")]
    [InlineData((11 * 86_400) + 3_725, "11.01:02:05")]
    public void Figures_Remaining_ShowsDaysToo(long seconds, string eta) =>
        Assert.Equal($"  50% 1/2, 0.5/s, ETA {eta}, a note", ProgressLine.Figures(1, 2, 0.5, TimeSpan.FromSeconds(seconds), "a note"));

    [Theory]
    [InlineData(0, 0, " 0, 0.0/s")]
    [InlineData(1999, 2000, "  99% 1999/2000, 0.0/s")]
    [InlineData(2000, 2000, " 100% 2000/2000, 0.0/s")]
    public void Figures_Share_Is100OnlyAtTheEnd(long done, long total, string line) => Assert.Equal(line, ProgressLine.Figures(done, total, 0, null, null));
}
