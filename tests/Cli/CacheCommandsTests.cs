using System.Text.Json;
using Xkd.Storage;

namespace Xkd.Cli.Tests;

public sealed class CacheCommandsTests(IngestedClips clips)
{
    [Fact]
    public async Task Inspect_Json_PrintsOneObjectWithTheContractsFields()
    {
        var result = await XkdProcess.RunAsync("inspect", clips.Cache, "--json");
        Assert.Equal(0, result.ExitCode);
        using var json = JsonDocument.Parse(result.Output);
        Assert.Equal(1, json.RootElement.GetProperty("schema").GetInt32());
        Assert.Equal(1, json.RootElement.GetProperty("clips").GetInt32());
        Assert.All(["version", "failed", "hours", "bytes", "classes", "splits", "fingerprint"], name => Assert.True(json.RootElement.TryGetProperty(name, out _), name));
    }

    [Fact]
    public async Task Inspect_Clip_WritesWhatTheModelSeesAndSaysWhatThereIsNot()
    {
        var mel = await XkdProcess.RunAsync("inspect", clips.Cache, "--clip", "good.mp4", "--out", clips.File("mel"));
        Assert.Equal(0, mel.ExitCode);
        Assert.Equal(["frames.npy", "frames.png", "mel.npy", "spectrogram.png"], Directory.GetFiles(clips.File("mel")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Contains("no audio.wav", mel.Output + mel.Error, StringComparison.Ordinal);

        var cache = clips.File("pcm-cache");
        await XkdProcess.RunAsync("ingest", "--dataset", "folder", "--root", clips.Clips, "--out", cache, "--short-side", "32", "--audio", "pcm", "--frames", "jpeg");
        var pcm = await XkdProcess.RunAsync("inspect", cache, "--clip", "good.mp4", "--out", clips.File("pcm"));
        Assert.Equal(0, pcm.ExitCode);
        Assert.Equal(["audio.wav", "frames.npy", "frames.png", "mel.npy", "spectrogram.png"], Directory.GetFiles(clips.File("pcm")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.InRange(new FileInfo(Path.Combine(clips.File("pcm"), "audio.wav")).Length, 44 + (2 * 16000 * 4), 44 + (2 * 16000 * 4.1)); // 4 s
    }

    [Theory]
    [InlineData("--weights", "run")]
    [InlineData("--clip", "good.mp4")]
    [InlineData("--clip", "nobody.mp4", "--out", "pictures")]
    public async Task Inspect_HalfOfWhatItNeeds_Exits2(params string[] arguments)
    {
        var result = await XkdProcess.RunAsync(["inspect", clips.Cache, .. arguments]);
        Assert.Equal(2, result.ExitCode);
    }

    [Fact]
    public async Task Inspect_OutIsAFile_Exits2NamingIt()
    {
        var file = Path.Combine(clips.Clips, "text.mp4");
        var result = await XkdProcess.RunAsync("inspect", clips.Cache, "--clip", "good.mp4", "--out", file);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains($"--out {file} cannot be written to: it is a file", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inspect_OutIsFull_Exits1NamingIt()
    {
        var folder = clips.File("full");
        Directory.CreateDirectory(folder);
        File.CreateSymbolicLink(Path.Combine(folder, "frames.png"), "/dev/full");
        var result = await XkdProcess.RunAsync("inspect", clips.Cache, "--clip", "good.mp4", "--out", folder);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"--out {folder}: frames.png cannot be written", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_FlippedByte_Exits1NamingShardRowAndColumn()
    {
        var sound = await XkdProcess.RunAsync("verify", clips.Cache, "--json");
        Assert.Equal(0, sound.ExitCode);
        var copy = Copy("damaged");

        var clip = Assert.Single(Cache.Open(copy).Clips);
        var path = Path.Combine(copy, clip.ShardPath);
        var bytes = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        bytes[clip.FramesOffset + 100] ^= 1;
        await File.WriteAllBytesAsync(path, bytes, TestContext.Current.CancellationToken);

        var result = await XkdProcess.RunAsync("verify", copy, "--json");
        Assert.Equal(1, result.ExitCode);
        using var json = JsonDocument.Parse(result.Output);
        Assert.Equal(1, json.RootElement.GetProperty("schema").GetInt32());
        Assert.False(json.RootElement.GetProperty("ok").GetBoolean());
        Assert.Contains(json.RootElement.GetProperty("errors").EnumerateArray(), e => e.GetProperty("row").ToString() == "0" && e.GetProperty("column").GetString() == "frames");
    }

    [Theory]
    [InlineData("inspect", "index")]
    [InlineData("verify", "index")]
    [InlineData("verify", "shards")]
    public async Task ReadingVerbs_AFileThatMayNotBeRead_Exit1SayingWhy(string verb, string folder)
    {
        string copy = Copy($"unreadable-{verb}-{folder}"), file = Directory.GetFiles(Path.Combine(copy, folder)).Single();
        Assert.Equal(0, (await XkdProcess.StartAsync("chmod", ["000", file])).ExitCode);

        // Root may read everything, but for these two rights.
        string[] arguments = ["dotnet", Path.Combine(AppContext.BaseDirectory, "xkd.dll"), verb, copy];
        var result = Environment.UserName == "root"
            ? await XkdProcess.StartAsync("setpriv", ["--bounding-set", "-dac_override,-dac_read_search", .. arguments])
            : await XkdProcess.StartAsync(arguments[0], arguments[1..]);
        Assert.Equal(1, result.ExitCode);
        var said = result.Output + result.Error;
        Assert.Contains(Path.GetFileName(file), said, StringComparison.Ordinal);
        Assert.Contains("permission denied", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verbs_NamesWithEscapeSequences_ShowThemSpelledAndKeepThemInJsonAndFiles()
    {
        const string Class = "\e]0;owned\a\e[31mred\u202e";
        string root = clips.File("hostile"), cache = clips.File("hostile-cache");
        Directory.CreateDirectory(Path.Combine(root, Class));
        File.Copy(Path.Combine(clips.Clips, "good.mp4"), Path.Combine(root, Class, "a.mp4"));
        await File.WriteAllTextAsync(Path.Combine(root, Class, "b\e[2J\nxkd: all is well.mp4"), "plain text", TestContext.Current.CancellationToken);

        var ingest = await XkdProcess.RunAsync("ingest", "--dataset", "folder", "--root", root, "--out", cache, "--short-side", "32");
        var inspect = await XkdProcess.RunAsync("inspect", cache);
        var nobody = await XkdProcess.RunAsync("inspect", cache, "--clip", "nobody", "--out", clips.File("hostile-pictures"));
        Assert.Equal((3, 0, 2), (ingest.ExitCode, inspect.ExitCode, nobody.ExitCode));
        var shown = ingest.Output + ingest.Error + inspect.Output + inspect.Error + nobody.Output + nobody.Error;
        Assert.DoesNotContain(shown, c => char.IsControl(c) && c != '\n');
        Assert.DoesNotContain('\u202e', shown);
        Assert.DoesNotContain("\nxkd: all is well", shown, StringComparison.Ordinal);
        Assert.Contains("\\e]0;owned\\x07\\e[31mred\\u202e", inspect.Output, StringComparison.Ordinal);
        Assert.Contains("\\e[2J\\nxkd: all is well.mp4", ingest.Output, StringComparison.Ordinal);

        var json = await XkdProcess.RunAsync("inspect", cache, "--json");
        using var document = JsonDocument.Parse(json.Output);
        Assert.Equal(Class, Assert.Single(document.RootElement.GetProperty("classes").EnumerateObject()).Name);
    }

    private string Copy(string name)
    {
        var copy = clips.File(name);
        foreach (var file in Directory.EnumerateFiles(clips.Cache, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(copy, Path.GetRelativePath(clips.Cache, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        return copy;
    }
}
