using System.Globalization;

namespace Xkd.Storage.Tests;

public sealed class ShardMapsTests
{
    private const int Frames = 40, Height = 112, Width = 149;

    [Theory]
    [InlineData(0)]
    [InlineData(8 << 20)]
    public async Task ReadFrames_MappedOrRead_GivesTheSame(long resident)
    {
        using TempFolder folder = new();
        ClipRecord[] clips = [.. Enumerable.Range(0, 3).Select(i => Clips.Make($"{i}", frames: Frames, height: Height, width: Width))];
        await Clips.WriteAsync(folder.Cache, clips, new CacheWriterOptions { ShardRows = 2 });
        var cache = Cache.Open(folder.Cache);
        using ClipReader reader = new(cache, resident);
        var frames = new byte[(32 * cache.Clips[0].FrameBytes) + 1];
        for (var i = 0; i < 18; i++)
        {
            var clip = cache.Clips[i % clips.Length];
            reader.ReadFrames(clip, i % 9, 32, frames.AsSpan(i & 1));
            Assert.True(clips[i % clips.Length].Frames.Span.Slice(i % 9 * clip.FrameBytes, 32 * clip.FrameBytes).SequenceEqual(frames.AsSpan(i & 1, 32 * clip.FrameBytes)));
        }
    }

    [Fact]
    public async Task ReadFrames_FileCutShortOnceItIsMapped_NamesTheRow()
    {
        using TempFolder folder = new();
        var manifest = await Clips.WriteAsync(folder.Cache, [.. Enumerable.Range(0, 3).Select(i => Clips.Make($"{i}", frames: Frames, height: Height, width: Width))]);
        var cache = Cache.Open(folder.Cache);
        using ClipReader reader = new(cache);
        var frames = new byte[Frames * cache.Clips[0].FrameBytes];
        var last = cache.Clips[^1];
        reader.ReadFrames(last, 0, Frames, frames);
        using (FileStream shard = new(folder.In(manifest.Shards[0].Path), FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            shard.SetLength(last.FramesOffset + (20L * last.FrameBytes) + 7);
        }

        reader.ReadFrames(last, 0, 20, frames); // what is left is as it was
        var cut = Assert.Throws<CorruptCacheException>(() => reader.ReadFrames(last, 0, Frames, frames));
        Assert.Equal((manifest.Shards[0].Path, (long?)2, "frames"), (cut.Shard, cut.Row, cut.Column));
        Assert.StartsWith("the file's end after ", cut.Got, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadFrames_LargerCacheThanMayBePresent_LetsGoOfPages()
    {
        const long resident = 4 << 20;
        using TempFolder folder = new();
        var clip = Clips.Make("0", frames: Frames, height: Height, width: Width);
        await Clips.WriteAsync(folder.Cache, [.. Enumerable.Range(0, 12).Select(i => clip with { Id = $"{i:d2}", SourceItem = $"{i:d2}" })], new CacheWriterOptions { ShardRows = 5 });
        var cache = Cache.Open(folder.Cache);
        var frames = new byte[Frames * cache.Clips[0].FrameBytes];
        Assert.InRange(Growth(resident), 1, resident + (4 << 20));
        Assert.InRange(Growth(long.MaxValue), 20 << 20, long.MaxValue); // all 24 MB: the measure sees what is not let go of

        long Growth(long limit)
        {
            using ClipReader reader = new(cache, limit);
            long before = Present(cache), most = 0;
            for (var i = 0; i < 2 * cache.Clips.Count; i++)
            {
                reader.ReadFrames(cache.Clips[i % cache.Clips.Count], 0, Frames, frames);
                most = Math.Max(most, Present(cache) - before);
            }

            return most;
        }
    }

    // Bytes of the cache's shards that are present in this process.
    private static long Present(Cache cache)
    {
        var shard = false;
        long bytes = 0;
        foreach (var line in File.ReadLines("/proc/self/smaps"))
        {
            shard = line.Contains(".parquet", StringComparison.Ordinal) ? line.Contains(cache.Path, StringComparison.Ordinal) : shard && !IsMapping(line);
            if (shard && line.StartsWith("Rss:", StringComparison.Ordinal))
            {
                bytes += 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
            }
        }

        return bytes;
    }

    private static bool IsMapping(string line) => line.Length > 0 && char.IsAsciiHexDigitLower(line[0]) | char.IsAsciiDigit(line[0]);
}
