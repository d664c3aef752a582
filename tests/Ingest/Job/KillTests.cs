using System.Diagnostics;
using Xkd.Storage;

namespace Xkd.Ingest.Tests;

/// <summary>A process killed outright in the middle, and the run after it.</summary>
public sealed class KillTests
{
    private const int Items = 96; // some seconds of work: a busy machine looks at the folder late
    private const string Folder = "XKD_TEST_KILL_FOLDER";

    [Fact]
    public async Task RunAsync_KilledInTheMiddle_TheNextRunCompletesEachClipOnce()
    {
        using var fixture = new JobFixture();
        fixture.Copies(fixture.Media.Clip("a.mp4", seconds: 1), Items);
        using (var victim = StartVictim(fixture.Media.Root))
        {
            // The first manifest proves that the victim is in the middle of its work.
            while (!Directory.Exists(Path.Combine(fixture.Out, "manifest")) || Directory.GetFiles(Path.Combine(fixture.Out, "manifest"), "*.json").Length == 0)
            {
                Assert.False(victim.HasExited, "the victim ended before it could be killed");
                await Task.Delay(20, TestContext.Current.CancellationToken);
            }

            victim.Kill();
            await victim.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        var survived = Cache.Open(fixture.Out).Clips.Count;
        Assert.InRange(survived, 1, Items - 1);
        var rest = await fixture.RunAsync();

        Assert.Equal((Items - survived, survived), (rest.Committed, rest.Skipped));
        var ids = Cache.Open(fixture.Out).Clips.Select(static clip => clip.Id).ToList();
        Assert.Equal(Items, ids.Count);
        Assert.Equal(Items, ids.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(Items, (await fixture.LedgerAsync()).Count);
    }

    /// <summary>Not a test of its own: what the process to be killed runs. It commits after every item.</summary>
    [Fact(Explicit = true)]
    public async Task Victim()
    {
        var folder = Environment.GetEnvironmentVariable(Folder)!;
        var options = new IngestOptions { Root = Path.Combine(folder, "media"), Out = Path.Combine(folder, "cache"), Workers = 1, CommitInterval = 0 };
        await new IngestJob(options, FfmpegTools.Locate(), TimeProvider.System).RunAsync(null, TestContext.Current.CancellationToken);
    }

    private static Process StartVictim(string folder)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { UseShellExecute = false, RedirectStandardOutput = true };
        foreach (var argument in new[] { "-explicit", "only", "-method", $"{typeof(KillTests).FullName}.{nameof(Victim)}" })
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment[Folder] = folder;
        return Process.Start(start)!;
    }
}
