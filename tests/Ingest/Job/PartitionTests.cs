using System.Diagnostics;
using System.Security.Cryptography;
using Xkd.Storage;

namespace Xkd.Ingest.Tests;

/// <summary>Several processes share one dataset and one cache.</summary>
public sealed class PartitionTests
{
    private const string Folder = "XKD_TEST_PARTITION_FOLDER";
    private const int Parts = 3;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public void Owns_AnyNumberOfParts_EachIdBelongsToOne()
    {
        string[] ids = [.. Enumerable.Range(0, 5000).Select(static i => $"class {i % 7}/clip {i}.mp4")];
        foreach (var parts in new[] { 1, 2, 3, 4, 64, 1000 })
        {
            var counts = Enumerable.Range(1, parts).Select(part => ids.Count(id => Partition.Owns(id, part, parts))).ToList();
            Assert.Equal(ids.Length, counts.Sum());
            Assert.All(ids, id => Assert.Single(Enumerable.Range(1, parts), part => Partition.Owns(id, part, parts)));
            Assert.InRange(counts.Max(), 1, (3 * ids.Length / parts) + 20);
        }
    }

    [Fact]
    public async Task RunAsync_PartsAtOnceAndOneKilledAndRunAgain_GiveTheCacheOfASingleProcess()
    {
        using var fixture = new JobFixture();
        string[] sources = [.. Enumerable.Range(0, 4).Select(i => fixture.Media.Clip($"source{i}.mp4", seconds: 1 + (i / 4.0)))];
        for (var i = 0; i < 24; i++)
        {
            var copy = fixture.Media[$"media/class{i % 3}/clip{i:D3}.mp4"];
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(sources[i % 4], copy);
        }

        using (var victim = StartVictim(fixture.Media.Root))
        {
            var others = Task.WhenAll(Enumerable.Range(2, Parts - 1).Select(part => RunAsync(fixture.Media.Root, "cache", part)));
            while (!Holds(fixture, "part-1-of-3"))
            {
                Assert.False(victim.HasExited, "the victim ended before it could be killed");
                await Task.Delay(20, Ct);
            }

            victim.Kill();
            await victim.WaitForExitAsync(Ct);
            await others;
        }

        Assert.NotEqual(24, Cache.Open(fixture.Out).Clips.Count);
        await RunAsync(fixture.Media.Root, "cache", 1);
        var merged = await CacheMerger.MergeAsync(fixture.Out, TimeProvider.System, Ct);
        await RunAsync(fixture.Media.Root, "single", 1, parts: 1);

        Assert.Equal(24, merged.Clips);
        Assert.Equal(Contents(fixture.Media["single"]), Contents(fixture.Out));
        Assert.Equal(["part-1-of-3", "part-2-of-3", "part-3-of-3"], merged.Parts.Where(static p => p.Name != "merge").Select(static p => p.Name));
        Assert.Equal(24, (await fixture.LedgerAsync()).Count);
        Assert.Empty(CacheVerifier.Verify(fixture.Out, ct: Ct).Errors);
        Assert.Equal(merged.Shards.Count, Directory.GetFiles(Path.Combine(fixture.Out, "shards")).Length);
    }

    /// <summary>Not a test of its own: what the process to be killed runs. It commits after every item.</summary>
    [Fact(Explicit = true)]
    public Task Victim() => RunAsync(Environment.GetEnvironmentVariable(Folder)!, "cache", 1);

    private static Task RunAsync(string folder, string cache, int part, int parts = Parts) => new IngestJob(
        new IngestOptions { Root = Path.Combine(folder, "media"), Out = Path.Combine(folder, cache), Workers = 1, CommitInterval = 0, Partition = part, Partitions = parts },
        FfmpegTools.Locate(), TimeProvider.System).RunAsync(null, Ct);

    private static bool Holds(JobFixture fixture, string part) =>
        Directory.Exists(Path.Combine(fixture.Out, "manifest")) && Directory.GetFiles(Path.Combine(fixture.Out, "manifest"), "*.json").Length > 0
        && Cache.Open(fixture.Out).Manifest.Parts.Any(p => p.Name == part);

    /// <summary>One line per clip: id, hash of its frames, hash of its spectrogram.</summary>
    private static List<string> Contents(string folder)
    {
        var cache = Cache.Open(folder);
        using var reader = new ClipReader(cache);
        return [.. cache.Clips.Select(clip =>
        {
            var frames = new byte[clip.NumFrames * clip.FrameBytes];
            reader.ReadFrames(clip, 0, clip.NumFrames, frames);
            var mel = new Half[cache.Manifest.Fingerprint.Mels * clip.MelFrames];
            reader.ReadMel(clip, mel);
            return $"{clip.Id} {clip.Label} {Convert.ToHexString(SHA256.HashData(frames))} {Convert.ToHexString(SHA256.HashData(System.Runtime.InteropServices.MemoryMarshal.AsBytes(mel.AsSpan())))}";
        })];
    }

    private static Process StartVictim(string folder)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { UseShellExecute = false, RedirectStandardOutput = true };
        foreach (var argument in new[] { "-explicit", "only", "-method", $"{typeof(PartitionTests).FullName}.{nameof(Victim)}" })
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment[Folder] = folder;
        return Process.Start(start)!;
    }
}
