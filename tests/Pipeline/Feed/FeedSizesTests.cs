using Xkd.Storage;

namespace Xkd.Pipeline.Tests;

/// <summary>What a feed makes of the machine's cores and of where its cache lies.</summary>
public sealed class FeedSizesTests
{
    // Samples a few times as large as the recipe's, 3.5 MB of views and 7.7 MB of windows: many frames of a few pixels. Nothing is read.
    private static readonly FeedOptions Options = FakeClips.Options with { Frames = 8000, LocalVideoViews = 0, BatchSize = 32 };

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(16)]
    [InlineData(64)]
    [InlineData(128)]
    public async Task Constructor_AnyNumberOfCores_HasReadersAndRoomForAllWorkers(int cores)
    {
        var options = Options with { Cores = cores, Workers = Math.Max(1, cores - 1) };
        FakeClips clips = new(64);
        await using ClipFeed disk = new(clips, options);
        await using ClipFeed jpeg = new(new FakeClips(64) { Fingerprint = clips.Fingerprint with { FramesCodec = FrameCodecs.Jpeg } }, options);
        await using ClipFeed bucket = new(new FakeClips(64) { Requests = 32 }, options);
        await using ClipFeed asked = new(new FakeClips(64) { Requests = 32 }, options with { Readers = 5 });
        Assert.Equal(Math.Clamp(cores / 8, 2, 16), disk.Options.Readers);
        Assert.Equal(Math.Max(2, cores - 1), jpeg.Options.Readers);
        Assert.Equal(32, bucket.Options.Readers);
        Assert.Equal(5, asked.Options.Readers);

        var batch = disk.BatchBytes + (32 * WindowBytes(clips));
        Assert.True(batch > 300 << 20);
        Assert.True(disk.Options.MemoryBudget >= 3 * batch);
        var besides = disk.Options.MemoryBudget - batch; // one is being consumed
        Assert.True(besides / (batch / 32) >= 2 * (cores - 1), $"{besides / (batch / 32)} samples for {cores - 1} workers");
        disk.RequireRoom("data.prefetch_bytes");
    }

    [Fact]
    public async Task RequireRoom_LessThanThreeBatches_SaysWhatIsEnoughAndThatIs()
    {
        FakeClips clips = new(64);
        await using ClipFeed sized = new(clips, Options);
        var three = 3 * (sized.BatchBytes + (32 * WindowBytes(clips)));
        await using ClipFeed tight = new(clips, Options with { MemoryBudget = three - 1 }), room = new(clips, Options with { MemoryBudget = three });
        var error = Assert.Throws<UsageException>(() => tight.RequireRoom("data.prefetch_bytes"));
        Assert.Contains($"data.prefetch_bytes is {three - 1}", error.Message, StringComparison.Ordinal);
        Assert.Contains($"take {three} bytes", error.Message, StringComparison.Ordinal);
        room.RequireRoom("data.prefetch_bytes");
    }

    private static long WindowBytes(FakeClips clips) =>
        ((long)Options.Frames * clips.Clips[0].FrameBytes) + (2 * FakeClips.Mels * (20 + 7 + clips.Clips.Max(c => c.MelFrames)));
}
