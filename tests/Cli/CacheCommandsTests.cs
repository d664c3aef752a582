using System.Text.Json;

namespace Xkd.Cli.Tests;

public sealed class CacheCommandsTests(IngestedClips clips)
{
    [Fact]
    public async Task Inspect_Json_PrintsOneObjectWithTheContractsFields()
    {
        ProcessOutcome result = await XkdProcess.RunAsync("inspect", clips.Cache, "--json");
        Assert.Equal(0, result.ExitCode);
        using JsonDocument json = JsonDocument.Parse(result.Output);
        Assert.Equal(1, json.RootElement.GetProperty("schema").GetInt32());
        Assert.Equal(1, json.RootElement.GetProperty("clips").GetInt32());
        Assert.All(["version", "failed", "hours", "bytes", "classes", "splits", "fingerprint"], name => Assert.True(json.RootElement.TryGetProperty(name, out _), name));
    }

    [Fact]
    public async Task Inspect_Clip_WritesWhatTheModelSeesAndSaysWhatThereIsNot()
    {
        ProcessOutcome mel = await XkdProcess.RunAsync("inspect", clips.Cache, "--clip", "good.mp4", "--out", clips.File("mel"));
        Assert.Equal(0, mel.ExitCode);
        Assert.Equal(["frames.png", "spectrogram.png"], Directory.GetFiles(clips.File("mel")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Contains("no audio.wav", mel.Output + mel.Error, StringComparison.Ordinal);

        string cache = clips.File("pcm-cache");
        await XkdProcess.RunAsync("ingest", "--dataset", "folder", "--root", clips.Clips, "--out", cache, "--short-side", "32", "--audio", "pcm", "--frames", "jpeg");
        ProcessOutcome pcm = await XkdProcess.RunAsync("inspect", cache, "--clip", "good.mp4", "--out", clips.File("pcm"));
        Assert.Equal(0, pcm.ExitCode);
        Assert.Equal(["audio.wav", "frames.png", "spectrogram.png"], Directory.GetFiles(clips.File("pcm")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.InRange(new FileInfo(Path.Combine(clips.File("pcm"), "audio.wav")).Length, 44 + (2 * 16000 * 4), 44 + (2 * 16000 * 4.1)); // 4 s
    }

    [Theory]
    [InlineData("--weights", "run")]
    [InlineData("--clip", "good.mp4")]
    [InlineData("--clip", "nobody.mp4", "--out", "pictures")]
    public async Task Inspect_HalfOfWhatItNeeds_Exits2(params string[] arguments)
    {
        ProcessOutcome result = await XkdProcess.RunAsync(["inspect", clips.Cache, .. arguments]);
        Assert.Equal(2, result.ExitCode);
    }

    [Fact]
    public async Task Inspect_OutIsAFile_Exits2NamingIt()
    {
        string file = Path.Combine(clips.Clips, "text.mp4");
        ProcessOutcome result = await XkdProcess.RunAsync("inspect", clips.Cache, "--clip", "good.mp4", "--out", file);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains($"--out {file} is a file", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inspect_OutIsFull_Exits1NamingIt()
    {
        string folder = clips.File("full");
        Directory.CreateDirectory(folder);
        File.CreateSymbolicLink(Path.Combine(folder, "frames.png"), "/dev/full");
        ProcessOutcome result = await XkdProcess.RunAsync("inspect", clips.Cache, "--clip", "good.mp4", "--out", folder);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"--out {folder}: frames.png cannot be written", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_FlippedByte_Exits1NamingShardRowAndColumn()
    {
        ProcessOutcome sound = await XkdProcess.RunAsync("verify", clips.Cache, "--json");
        Assert.Equal(0, sound.ExitCode);
        string copy = clips.File("damaged");
        foreach (string file in Directory.EnumerateFiles(clips.Cache, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(copy, Path.GetRelativePath(clips.Cache, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        using JsonDocument manifest = JsonDocument.Parse(await File.ReadAllTextAsync(Directory.GetFiles(Path.Combine(copy, "manifest"), "*.json").Single(), TestContext.Current.CancellationToken));
        JsonElement shard = manifest.RootElement.GetProperty("shards")[0];
        string path = Path.Combine(copy, shard.GetProperty("path").GetString()!);
        byte[] bytes = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        bytes[shard.GetProperty("offsets")[0].GetInt64() + 100] ^= 1;
        await File.WriteAllBytesAsync(path, bytes, TestContext.Current.CancellationToken);

        ProcessOutcome result = await XkdProcess.RunAsync("verify", copy, "--json");
        Assert.Equal(1, result.ExitCode);
        using JsonDocument json = JsonDocument.Parse(result.Output);
        Assert.Equal(1, json.RootElement.GetProperty("schema").GetInt32());
        Assert.False(json.RootElement.GetProperty("ok").GetBoolean());
        Assert.Contains(json.RootElement.GetProperty("errors").EnumerateArray(), e => e.GetProperty("row").ToString() == "0" && e.GetProperty("column").GetString() == "frames");
    }
}
