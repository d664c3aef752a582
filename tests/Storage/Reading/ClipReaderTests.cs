namespace Xkd.Storage.Tests;

public sealed class ClipReaderTests
{
    [Fact]
    public async Task ReadFrames_AnyWindow_GivesJustItsFrames()
    {
        using TempFolder folder = new();
        var clip = Clips.Make("a", frames: 12);
        await Clips.WriteAsync(folder.Cache, [Clips.Make("0"), clip, Clips.Make("b")]);
        var cache = Cache.Open(folder.Cache);
        using ClipReader reader = new(cache);
        var entry = cache.Clips[1];
        for (var first = 0; first <= 12; first++)
        {
            for (var count = 0; first + count <= 12; count++)
            {
                var window = new byte[(count * entry.FrameBytes) + 1];
                reader.ReadFrames(entry, first, count, window);
                Assert.True(clip.Frames.Span.Slice(first * entry.FrameBytes, count * entry.FrameBytes).SequenceEqual(window.AsSpan(..^1)));
                Assert.Equal(0, window[^1]);
            }
        }
    }

    [Fact]
    public async Task ReadFrames_MoreFramesThanOneBatchOfChecksums_GivesThemAll()
    {
        using TempFolder folder = new();
        var clip = Clips.Make("long", frames: 700, height: 2, width: 3);
        await Clips.WriteAsync(folder.Cache, [clip]);
        Clips.AssertSame(clip, Cache.Open(folder.Cache));
    }

    [Theory]
    [InlineData(-1, 2)]
    [InlineData(4, 2)]
    [InlineData(0, 6)]
    [InlineData(0, -1)]
    [InlineData(int.MaxValue, 1)]
    public async Task ReadFrames_WindowOutsideTheClip_IsRefused(int first, int count)
    {
        using TempFolder folder = new();
        await Clips.WriteAsync(folder.Cache, [Clips.Make("a", frames: 5)]);
        var cache = Cache.Open(folder.Cache);
        using ClipReader reader = new(cache);
        Assert.Throws<ArgumentOutOfRangeException>(() => reader.ReadFrames(cache.Clips[0], first, count, new byte[1 << 16]));
    }

    [Fact]
    public async Task Read_FlippedByte_NamesShardRowAndColumn()
    {
        using TempFolder folder = new();
        var manifest = await Clips.WriteAsync(folder.Cache, [Clips.Make("a"), Clips.Make("b"), Clips.Make("c")]);
        var cache = Cache.Open(folder.Cache);
        var clip = cache.Clips[1];
        Files.Flip(folder.In(manifest.Shards[0].Path), clip.FramesOffset + (3 * clip.FrameBytes) + 9);
        Files.Flip(folder.In(manifest.Shards[0].Path), clip.MelOffset + 5);
        using ClipReader reader = new(cache);
        var frames = new byte[5 * clip.FrameBytes];
        reader.ReadFrames(clip, 0, 3, frames);
        var first = Assert.Throws<CorruptCacheException>(() => reader.ReadFrames(clip, 2, 3, frames));
        var second = Assert.Throws<CorruptCacheException>(() => reader.ReadMel(clip, new Half[1000]));
        Assert.Equal((manifest.Shards[0].Path, (long?)1, "frames"), (first.Shard, first.Row, first.Column));
        Assert.StartsWith("frame 3 xxh3 ", first.Expected, StringComparison.Ordinal);
        Assert.Equal((manifest.Shards[0].Path, (long?)1, "mel"), (second.Shard, second.Row, second.Column));
    }

    [Fact]
    public async Task Read_AfterTheFirst_AllocatesNothing()
    {
        using TempFolder folder = new();
        await Clips.WriteAsync(folder.Cache, [.. Enumerable.Range(0, 20).Select(i => Clips.Make($"{i:d2}", frames: 40))], new CacheWriterOptions { ShardRows = 7 });
        var cache = Cache.Open(folder.Cache);
        using ClipReader reader = new(cache);
        var frames = new byte[32 * cache.Clips[0].FrameBytes];
        var mel = new Half[1000];
        ReadAll();
        var before = GC.GetAllocatedBytesForCurrentThread();
        ReadAll();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void ReadAll()
        {
            for (var i = 0; i < cache.Clips.Count; i++)
            {
                reader.ReadFrames(cache.Clips[i], i % 8, 32, frames);
                reader.ReadMel(cache.Clips[i], mel);
            }
        }
    }

    [Fact]
    public async Task Read_FromManyThreads_GivesEachItsOwn()
    {
        using TempFolder folder = new();
        ClipRecord[] clips = [.. Enumerable.Range(0, 30).Select(i => Clips.Make($"{i:d2}"))];
        await Clips.WriteAsync(folder.Cache, clips, new CacheWriterOptions { ShardRows = 4 });
        var cache = Cache.Open(folder.Cache);
        using ClipReader reader = new(cache);
        Parallel.For(0, 300, i =>
        {
            var clip = cache.Clips[i % 30];
            var frames = new byte[clip.NumFrames * clip.FrameBytes];
            reader.ReadFrames(clip, 0, clip.NumFrames, frames);
            Assert.True(clips[i % 30].Frames.Span.SequenceEqual(frames));
        });
    }
}
