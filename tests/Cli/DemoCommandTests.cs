using System.Text.Json;

namespace Xkd.Cli.Tests;

/// <summary>The short demo: every part runs, and what it shows is there and honest about meaning nothing.</summary>
public sealed class DemoCommandTests : IDisposable
{
    private readonly string _out = Directory.CreateTempSubdirectory("xkd-demo-").FullName;

    public void Dispose() => Directory.Delete(_out, recursive: true);

    [Fact]
    public async Task Demo_Short_TrainsTwiceAndShowsBoth()
    {
        var outcome = await XkdProcess.RunAsync("demo", "--short", "--out", _out);

        Assert.True(outcome.ExitCode == 0, outcome.Error);
        Assert.Matches(@"video probe of 6 classes: untrained [\d.]+ %, reconstruction [\d.]+ %, XKD [\d.]+ %", outcome.Error + outcome.Output);
        Assert.Contains("chance 41.7 %", outcome.Error + outcome.Output, StringComparison.Ordinal); // 10 of 24 clips
        foreach (var run in new[] { "reconstruction", "run" })
        {
            Assert.Equal(12, File.ReadLines(Path.Combine(_out, run, "metrics.jsonl")).Count());
            Assert.True(File.Exists(Path.Combine(_out, run, "verdict.json")));
        }

        var page = await File.ReadAllTextAsync(Path.Combine(_out, "report.html"), TestContext.Current.CancellationToken);
        Assert.Contains("<div class=\"verdict plain\">A short run shows that every part works. Its numbers mean nothing", page, StringComparison.Ordinal);
        Assert.Contains("<div class=\"verdict plain\">XKD: Too early to tell", page, StringComparison.Ordinal);
        Assert.Equal(3, page.Split("data:audio/mp4;base64,").Length - 1);
        using var verdict = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(_out, "verdict.json"), TestContext.Current.CancellationToken));
        Assert.False(verdict.RootElement.GetProperty("learned").GetBoolean());
    }
}
