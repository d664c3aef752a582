using System.Text.Json;

namespace Xkd.Cli.Tests;

/// <summary>What <c>ingest</c> says, and returns, where sources are not as the cache has them; and what a dry run says.</summary>
public sealed class IngestChangesTests(IngestedClips clips)
{
    private static readonly DateTime Then = DateTime.UnixEpoch.AddSeconds(1_600_000_000);

    [Fact]
    public async Task Ingest_ChangedMovedAndGone_AreCountedAndNamed()
    {
        var (root, cache) = Sources("changes", "a/changed.mp4", "a/moved.mp4", "a/gone.mp4");
        Assert.Equal(0, (await IngestAsync(root, cache)).ExitCode);
        File.SetLastWriteTimeUtc(Path.Combine(root, "a/changed.mp4"), Then.AddDays(1));
        Directory.CreateDirectory(Path.Combine(root, "b"));
        File.Move(Path.Combine(root, "a/moved.mp4"), Path.Combine(root, "b/moved.mp4"));
        File.Delete(Path.Combine(root, "a/gone.mp4"));

        var kept = await IngestAsync(root, cache, "--json");
        Assert.Equal(0, kept.ExitCode);
        Assert.Equal((0, 1, 1, 1), Counts(kept.Output));
        Assert.Contains("1 file has changed since ingest (a/changed.mp4): the cached clips stay; --changed replace decodes again", kept.Error, StringComparison.Ordinal);
        Assert.Contains("1 file has moved (a/moved.mp4 is now b/moved.mp4)", kept.Error, StringComparison.Ordinal);
        Assert.Contains("1 file has gone (a/gone.mp4): the cached clips stay; --gone remove removes them", kept.Error, StringComparison.Ordinal);

        var refused = await IngestAsync(root, cache, "--changed", "fail");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("a/changed.mp4", refused.Error, StringComparison.Ordinal);

        var replaced = await IngestAsync(root, cache, "--changed", "replace", "--gone", "remove", "--json");
        Assert.Equal(0, replaced.ExitCode);
        Assert.Equal((2, 1, 1, 1), Counts(replaced.Output));
        var again = await IngestAsync(root, cache, "--json");
        Assert.Equal((0, 0, 0, 0), Counts(again.Output));
        Assert.Equal(0, (await XkdProcess.RunAsync("verify", cache)).ExitCode);
        Assert.Equal(2, JsonSerializer.Deserialize<JsonElement>((await XkdProcess.RunAsync("inspect", cache, "--json")).Output).GetProperty("clips").GetInt32());
    }

    [Fact]
    public async Task Ingest_DryRun_EstimatesInJsonAndWordsAndWritesNothing()
    {
        var (root, cache) = Sources("dry", "a/one.mp4", "a/two.mp4");
        var dry = await IngestAsync(root, cache, "--dry-run", "--json");

        Assert.Equal(0, dry.ExitCode);
        Assert.False(Directory.Exists(cache));
        var report = JsonSerializer.Deserialize<JsonElement>(dry.Output);
        Assert.True(report.GetProperty("dry_run").GetBoolean());
        Assert.Equal((1, 2, 2, 0), (Number(report, "schema"), Number(report, "pending"), Number(report, "new"), Number(report, "settled")));
        Assert.All(["failed_earlier", "changed", "moved", "gone"], name => Assert.Equal(0, Number(report, name)));
        Assert.Equal((2, 2), (Number(report, "estimated_clips"), Number(report, "sampled")));
        Assert.True(report.GetProperty("estimated_seconds").GetDouble() > 0);

        Assert.Equal(0, (await IngestAsync(root, cache)).ExitCode);
        var bytes = JsonSerializer.Deserialize<JsonElement>((await XkdProcess.RunAsync("inspect", cache, "--json")).Output).GetProperty("bytes").GetInt64();
        Assert.InRange(report.GetProperty("estimated_bytes").GetInt64(), bytes / 2, bytes);
        var nothing = await IngestAsync(root, cache, "--dry-run");
        Assert.Contains("0 to decode, of which 0 new; 2 stay as they are", nothing.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--changed", "maybe")]
    [InlineData("--gone", "fail")]
    public async Task Ingest_UnknownPolicy_IsRefused(string flag, string value)
    {
        var result = await IngestAsync(clips.Clips, clips.File("refused"), flag, value);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(value, result.Error, StringComparison.Ordinal);
    }

    private static int Number(JsonElement report, string name) => report.GetProperty(name).GetInt32();

    private static (int Committed, int Changed, int Moved, int Gone) Counts(string json)
    {
        var report = JsonSerializer.Deserialize<JsonElement>(json);
        return (Number(report, "committed"), Number(report, "changed"), Number(report, "moved"), Number(report, "gone"));
    }

    private static Task<ProcessOutcome> IngestAsync(string root, string cache, params string[] more) =>
        XkdProcess.RunAsync(["ingest", "--dataset", "folder", "--root", root, "--out", cache, "--short-side", "32", .. more]);

    private (string Root, string Cache) Sources(string name, params string[] files)
    {
        var root = clips.File(name);
        foreach (var file in files.Select(file => Path.Combine(root, file)))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.Copy(Path.Combine(clips.Clips, "good.mp4"), file);
            File.SetLastWriteTimeUtc(file, Then);
        }

        return (root, clips.File(name + "-cache"));
    }
}
