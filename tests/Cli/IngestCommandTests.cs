using System.Diagnostics;
using System.Text.Json;

namespace Xkd.Cli.Tests;

public sealed class IngestCommandTests(IngestedClips clips)
{
    [Fact]
    public void Ingest_TextAndCutFileBesideGoodClip_CommitsTheGoodOneAndExits3()
    {
        Assert.Equal(3, clips.Ingest.ExitCode);
        using var report = JsonDocument.Parse(clips.Ingest.Output);
        Assert.Equal(1, report.RootElement.GetProperty("schema").GetInt32());
        Assert.Equal(1, report.RootElement.GetProperty("committed").GetInt32());
        Assert.Equal(2, report.RootElement.GetProperty("failed").GetInt32());
        Assert.Equal(0, report.RootElement.GetProperty("skipped").GetInt32());
        Assert.All(["seconds", "clips_per_second", "cpu_ms_per_clip"], name => Assert.True(report.RootElement.GetProperty(name).GetDouble() > 0, name));
    }

    [Theory]
    [InlineData("good.mp4", "committed", null, null)]
    [InlineData("text.mp4", "failed", "probe", "not-media")]
    [InlineData("cut.mp4", "failed", "probe", "truncated")]
    public void Ingest_EachItem_HasItsLedgerLine(string id, string state, string? stage, string? reason)
    {
        var line = Assert.Single(
            File.ReadLines(Path.Combine(clips.Cache, "ledger.jsonl")).Select(l => JsonSerializer.Deserialize<JsonElement>(l)),
            l => l.GetProperty("id").GetString() == id);
        Assert.Equal(state, line.GetProperty("state").GetString());
        Assert.Equal(stage, line.GetProperty("stage").GetString());
        Assert.Equal(reason, line.GetProperty("reason").GetString());
    }

    [Fact]
    public async Task Ingest_SameCommandAgainAndMerge_StillExit3ForWhatFailedBefore()
    {
        var again = await XkdProcess.RunAsync("ingest", "--dataset", "folder", "--root", clips.Clips, "--out", clips.Cache, "--short-side", "32", "--json");
        Assert.Equal(3, again.ExitCode);
        using var report = JsonDocument.Parse(again.Output);
        Assert.Equal((0, 3, 2), (report.RootElement.GetProperty("failed").GetInt32(), report.RootElement.GetProperty("skipped").GetInt32(), report.RootElement.GetProperty("failed_earlier").GetInt32()));
        Assert.Contains("100% 3/3, 0.0/s", again.Error, StringComparison.Ordinal); // what was done before is no speed of this run's
        Assert.Contains("--retry-failed", again.Error, StringComparison.Ordinal);

        var merged = await XkdProcess.RunAsync("ingest", "--merge", clips.Cache);
        Assert.Equal(3, merged.ExitCode);
    }

    [Fact]
    public async Task Ingest_OtherSplitOfACacheWithFailures_Exits0()
    {
        string root = clips.File("two"), cache = clips.File("two-cache");
        Directory.CreateDirectory(root);
        File.Copy(Path.Combine(clips.Clips, "good.mp4"), Path.Combine(root, "good.mp4"));
        File.Copy(Path.Combine(clips.Clips, "text.mp4"), Path.Combine(root, "text.mp4"));
        await File.WriteAllLinesAsync(Path.Combine(root, "list.csv"), ["path,split", "good.mp4,train", "text.mp4,val"], TestContext.Current.CancellationToken);
        string[] command = ["ingest", "--dataset", "csv", "--root", root, "--out", cache, "--short-side", "32", "--split"];

        Assert.Equal(3, (await XkdProcess.RunAsync([.. command, "val"])).ExitCode);
        Assert.Equal(0, (await XkdProcess.RunAsync([.. command, "train"])).ExitCode);
    }

    [Fact]
    public async Task Ingest_StoppedWhileItsListIsRead_Exits75()
    {
        var list = clips.File("list.fifo");
        await XkdProcess.StartAsync("mkfifo", [list]);
        string[] command = [Path.Combine(AppContext.BaseDirectory, "xkd.dll"), "ingest", "--dataset", "csv", "--root", clips.Clips, "--annotations", list, "--out", clips.File("unlisted"), "--json"];
        using var process = Process.Start(new ProcessStartInfo("dotnet", command) { UseShellExecute = false, RedirectStandardOutput = true })!;
        await using var writer = await Task.Run(() => new FileStream(list, FileMode.Open, FileAccess.Write), TestContext.Current.CancellationToken); // waits until the list is opened

        await XkdProcess.SignalAsync("TERM", $"{process.Id}");
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Equal(75, process.ExitCode);
        Assert.Equal(0, JsonSerializer.Deserialize<JsonElement>(output).GetProperty("committed").GetInt32());
        Assert.False(Directory.Exists(clips.File("unlisted")));
    }

    [Fact]
    public async Task Ingest_Stopped_SaysHowMuchOfAllIsDoneAndThatTheSameCommandGoesOn()
    {
        // The first item is held up until the signal.
        var cache = clips.File("stopped");
        string[] command = [Path.Combine(AppContext.BaseDirectory, "xkd.dll"), "ingest", "--dataset", "folder", "--root", clips.Clips, "--out", cache, "--short-side", "32", "--delay-stage", "write=600000"];
        using var process = Process.Start(new ProcessStartInfo("dotnet", command) { UseShellExecute = false, RedirectStandardOutput = true })!;
        while (!Directory.Exists(Path.Combine(cache, "locks")))
        {
            Assert.False(process.HasExited, "it ended before it began");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        await XkdProcess.SignalAsync("TERM", $"{process.Id}");
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(75, process.ExitCode);
        Assert.Contains("   0% 0/3, 0.0/s, 0 committed, 0 failed, 0 already done, version 1; stopped: the same command goes on", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ingest_OtherShortSideIntoTheSameCache_RefusesWithBothValues()
    {
        var result = await XkdProcess.RunAsync("ingest", "--dataset", "folder", "--root", clips.Clips, "--out", clips.Cache, "--short-side", "24");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("short_side 32 ≠ 24", result.Error, StringComparison.Ordinal);
        Assert.Contains("another folder", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ingest_UnusableInput_RefusesNamingTheValue()
    {
        await RefusedAsync("--root /no/such/folder", "folder", "/no/such/folder");
        await RefusedAsync(clips.Empty, "folder", clips.Empty);
        await RefusedAsync("--dataset nosuch", "nosuch", clips.Clips);
    }

    [Theory]
    [InlineData("frobnicate")]
    [InlineData("ingest", "--nope")]
    public async Task Main_UnknownVerbOrFlag_Exits2NamingIt(params string[] arguments)
    {
        var result = await XkdProcess.RunAsync(arguments);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(arguments[^1], result.Error, StringComparison.Ordinal);
        Assert.Contains("--help", result.Error, StringComparison.Ordinal);
    }

    private async Task RefusedAsync(string named, string dataset, string root)
    {
        var result = await XkdProcess.RunAsync("ingest", "--dataset", dataset, "--root", root, "--out", clips.File("refused"));
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(named, result.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(clips.File("refused")), "a refused call leaves no cache");
    }
}
