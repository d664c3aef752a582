using Xkd.Storage;

namespace Xkd.Pipeline.Tests;

/// <summary>The feeds on a committed cache.</summary>
public sealed class CacheFeedTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xkd-feed").FullName;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ReadAsync_CommittedCache_EqualsTheSameClipsInMemory()
    {
        FakeClips clips = new(19);
        var cache = await CommitAsync(clips);
        var options = FakeClips.Options with { MelMean = clips.MelStatistics.Mean, MelStd = clips.MelStatistics.Std };
        Assert.Equal(
            await FeedDigest.ReadAsync(clips, options, 0, 6),
            await FeedDigest.ReadAsync(new CacheClipSource(cache), options, 0, 6));
    }

    [Fact]
    public async Task ReadAsync_FlippedByteInAShard_IsATypedError()
    {
        var cache = await CommitAsync(new FakeClips(8));
        var shard = Directory.EnumerateFiles(Path.Combine(_folder, "shards")).Single();
        var bytes = await File.ReadAllBytesAsync(shard, Token);
        var damaged = cache.Clips[3];
        bytes[damaged.FramesOffset + (10 * damaged.FrameBytes)] ^= 1;
        await File.WriteAllBytesAsync(shard, bytes, Token);
        await using ClipFeed feed = new(Cache.Open(_folder), FakeClips.Options with { Frames = 20 });
        var error = await Assert.ThrowsAsync<CorruptCacheException>(async () =>
        {
            await foreach (var batch in feed.ReadAsync(0, 1, cancellationToken: Token))
            {
                batch.Dispose();
            }
        });
        Assert.Equal((damaged.Row, "frames"), ((int)error.Row!.Value, error.Column));
    }

    [Fact]
    public async Task EvaluationFeed_CommittedCache_DeliversEveryClip()
    {
        var cache = await CommitAsync(new FakeClips(5));
        await using ClipFeed feed = new(cache, new EvaluationOptions { Modalities = Modalities.Both, Frames = 6, FrameSize = 12, AudioFrames = 20, Mel = FakeClips.Options.Mel });
        List<string> ids = [];
        await foreach (var batch in feed.ReadEpochAsync(0, Token))
        {
            using (batch)
            {
                ids.AddRange(batch.ClipIds);
            }
        }

        Assert.Equal(cache.Clips.Select(c => c.Id), ids);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private Task<Cache> CommitAsync(FakeClips clips) => clips.CommitAsync(_folder, Token);
}
