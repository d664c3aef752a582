using System.Text.Json;

namespace Xkd.Cli.Tests;

/// <summary><c>xkd cache</c> as a user types it.</summary>
public sealed class CacheVerbTests(IngestedClips clips)
{
    [Fact]
    public async Task List_TableAndJson_ShowTheClipsThatMatch()
    {
        var cache = await IngestAsync("list", "cat/1.mp4", "cat/2.mp4", "dog/1.mp4");
        var table = await XkdProcess.RunAsync("cache", "ls", cache, "--where", "label=cat", "--limit", "1");
        Assert.Equal(0, table.ExitCode);
        var lines = table.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Matches("^id +label +split +start +duration +size +frames$", lines[0]);
        Assert.Matches(@"^cat/1\.mp4 +cat +0 +\d.* 42×32 +32$", lines[1]);
        Assert.StartsWith("the first 1 of 2 clips (the cache has 3): --all", lines[2], StringComparison.Ordinal);
        Assert.StartsWith($"next: xkd cache export {cache} --format webdataset --out FOLDER\nnext: xkd cache rm {cache} ", table.Error, StringComparison.Ordinal);

        var json = await XkdProcess.RunAsync("cache", "ls", cache, "--where", "label=cat", "--where", "num_frames>=32", "--json");
        Assert.Equal(0, json.ExitCode);
        using var document = JsonDocument.Parse(json.Output);
        var root = document.RootElement;
        Assert.Equal([1, 1, 3, 2], new[] { "schema", "version", "clips", "selected" }.Select(name => root.GetProperty(name).GetInt32()));
        Assert.Equal(["cat/1.mp4", "cat/2.mp4"], root.GetProperty("rows").EnumerateArray().Select(r => r.GetProperty("id").GetString()));
        var columns = root.GetProperty("columns").EnumerateArray().Select(c => c.GetString());
        Assert.Equal(columns, root.GetProperty("rows")[0].EnumerateObject().Select(p => p.Name));
    }

    [Fact]
    public async Task RemoveCompactVacuum_TakeAClipDownAndVerifyTellsWhatIsLeftOfIt()
    {
        var cache = await IngestAsync("takedown", "cat/1.mp4", "dog/1.mp4");
        var all = await XkdProcess.RunAsync("cache", "rm", cache);
        Assert.Equal(2, all.ExitCode);
        Assert.Contains("--where or --ids", all.Error, StringComparison.Ordinal);
        Assert.Equal(2, (await XkdProcess.RunAsync("cache", "rm", cache, "--where", "label=horse")).ExitCode);

        var removed = await XkdProcess.RunAsync("cache", "rm", cache, "--where", "label=dog");
        Assert.Equal(0, removed.ExitCode);
        Assert.Contains("removed 1 clip; 1 are left", removed.Output, StringComparison.Ordinal);
        Assert.Contains($"next: xkd cache compact {cache} && xkd cache vacuum {cache}", removed.Error, StringComparison.Ordinal);
        Assert.Equal((1, 0), await VerifyAsync(cache));
        Assert.Contains("1 rows are of removed clips", (await XkdProcess.RunAsync("verify", cache)).Output, StringComparison.Ordinal);

        using (var compact = JsonDocument.Parse((await XkdProcess.RunAsync("cache", "compact", cache, "--json")).Output))
        {
            Assert.Equal(["1", "1", "false"], new[] { "shards", "erased", "converted" }.Select(name => compact.RootElement.GetProperty(name).GetRawText()));
        }

        Assert.Equal((0, 1), await VerifyAsync(cache));
        var young = await XkdProcess.RunAsync("cache", "vacuum", cache);
        Assert.Contains("removed 0 versions and 0 files", young.Output, StringComparison.Ordinal);
        Assert.Equal($"next: xkd verify {cache}", young.Error.Trim());
        Assert.Equal(2, (await XkdProcess.RunAsync("cache", "vacuum", cache, "--older-than", "a week")).ExitCode);
        using (var vacuum = JsonDocument.Parse((await XkdProcess.RunAsync("cache", "vacuum", cache, "--older-than", "0", "--json")).Output))
        {
            Assert.True(vacuum.RootElement.GetProperty("bytes").GetInt64() > 32 * 42 * 32 * 3);
        }

        Assert.Equal((0, 0), await VerifyAsync(cache));
    }

    [Fact]
    public async Task Column_FileThatIsNone_Exits2NamingIt()
    {
        var missing = await XkdProcess.RunAsync("cache", "column", clips.Cache, "--from", "/nowhere.parquet");
        Assert.Equal(2, missing.ExitCode);
        Assert.Contains("/nowhere.parquet cannot be read", missing.Error, StringComparison.Ordinal);
        Assert.Equal(2, (await XkdProcess.RunAsync("cache", "column", clips.Cache, "--from", Path.Combine(clips.Clips, "text.mp4"))).ExitCode);
    }

    [Fact]
    public async Task Export_Twice_NeedsForce()
    {
        var output = clips.File("exported");
        var first = await XkdProcess.RunAsync("cache", "export", clips.Cache, "--format", "hf", "--out", output);
        Assert.Equal(0, first.ExitCode);
        Assert.Contains($"next: less {output}/README.md", first.Error, StringComparison.Ordinal);
        Assert.Equal(["README.md", "data/train-00000-of-00001.parquet"], Files(output));
        var again = await XkdProcess.RunAsync("cache", "export", clips.Cache, "--format", "webdataset", "--out", output);
        Assert.Equal(2, again.ExitCode);
        Assert.Contains("--force", again.Error, StringComparison.Ordinal);
        var forced = await XkdProcess.RunAsync("cache", "export", clips.Cache, "--format", "webdataset", "--out", output, "--force", "--json");
        Assert.Equal(0, forced.ExitCode);
        using var json = JsonDocument.Parse(forced.Output);
        Assert.Equal((1, 2), (json.RootElement.GetProperty("clips").GetInt32(), json.RootElement.GetProperty("files").GetInt32()));
        Assert.Equal(["000000.tar", "README.md"], Files(output));
        Assert.Equal(2, (await XkdProcess.RunAsync("cache", "export", clips.Cache, "--format", "zip", "--out", output)).ExitCode);
    }

    private static IEnumerable<string> Files(string folder) =>
        Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file)).Order(StringComparer.Ordinal);

    private static async Task<(int RemovedRows, int OtherShards)> VerifyAsync(string cache)
    {
        var result = await XkdProcess.RunAsync("verify", cache, "--json");
        Assert.Equal(0, result.ExitCode);
        using var json = JsonDocument.Parse(result.Output);
        return (json.RootElement.GetProperty("removed_rows").GetInt32(), json.RootElement.GetProperty("other_shards").GetInt32());
    }

    private async Task<string> IngestAsync(string name, params string[] media)
    {
        string root = clips.File(name), cache = clips.File(name + "-cache");
        foreach (var path in media.Select(file => Path.Combine(root, file)))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.Copy(Path.Combine(clips.Clips, "good.mp4"), path);
        }

        var result = await XkdProcess.RunAsync("ingest", "--dataset", "folder", "--root", root, "--out", cache, "--short-side", "32");
        Assert.True(result.ExitCode == 0, result.Error);
        return cache;
    }
}
