using Xkd.Storage;

namespace Xkd.Pipeline.Tests;

/// <summary>Windows delivered as read, with the draws that go with them.</summary>
public sealed class DeferredFeedTests
{
    private static readonly FeedOptions Options = FakeClips.Options with { DeferAugmentation = true };

    [Theory]
    [InlineData(LocalFrom.Window)]
    [InlineData(LocalFrom.Clip)]
    public async Task ReadAsync_Deferred_AugmentedHereEqualsTheViewsOfTheFeed(LocalFrom from)
    {
        List<float[]> expected = [], actual = [];
        await ReadAsync(new FakeClips(43, frames: i => 1 + (i % 20)), FakeClips.Options with { LocalFrom = from }, 3, batch => expected.AddRange(batch.Video.Concat(batch.Audio).Select(v => v.Data[..v.Length])));
        VideoAugmenter video = new();
        SpectrogramAugmenter audio = new(100, 50, FakeClips.Options.Mel.LogEpsilon);
        int[] sizes = [12, 8, 8];
        await ReadAsync(new FakeClips(43, frames: i => 1 + (i % 20)), Options with { LocalFrom = from }, 3, batch =>
        {
            Assert.Empty(batch.Video);
            Assert.Empty(batch.Audio);
            for (var view = 0; view < batch.Windows.Count; view++)
            {
                var windows = batch.Windows[view];
                var values = 3 * windows.Frames * sizes[view] * sizes[view];
                var views = new float[batch.Size * values];
                for (var slot = 0; slot < batch.Size; slot++)
                {
                    (var offset, var height, var width) = windows.Clips[slot];
                    video.Apply(
                        batch.Frames!.Data.AsSpan(offset, windows.Frames * height * width * 3), height, width, batch.Drawn[slot]!.Video[view], sizes[view], views.AsSpan(slot * values, values));
                }

                actual.Add(views);
            }

            for (var view = 0; view < batch.Mel.Count; view++)
            {
                var mel = batch.Mel[view];
                var values = mel.Data.Length / batch.Size;
                var views = new float[mel.Data.Length];
                for (var slot = 0; slot < batch.Size; slot++)
                {
                    audio.Apply(mel.Row(slot), FakeClips.Mels, batch.Drawn[slot]!.Audio[view], views.AsSpan(slot * values, values));
                }

                actual.Add(views);
            }
        });
        Assert.Equal(expected, actual);
    }

    [Fact]
    public async Task ReadAsync_StandInLargerThanTheDamagedClip_IsDeliveredWhole()
    {
        // The damaged clip is the epoch's first; whichever stands in for it has larger frames.
        var damaged = (int)new GlobalOrder(43, Options.Seed).ClipAt(0, 0);
        var standIn = (int)new GlobalOrder(43, Options.Seed).ClipAt(0, 40);
        FakeClips clips = new(43, corrupt: [damaged], widths: i => i == standIn ? 3 * FakeClips.Width : FakeClips.Width);
        await ReadAsync(clips, Options with { CorruptRows = CorruptRowPolicy.Skip }, 1, batch =>
        {
            Assert.Equal(clips.Clips[standIn].Id, batch.ClipIds[0]);
            var frames = batch.Frames!;
            var placed = frames.Clips[0];
            Assert.Equal((FakeClips.Height, 3 * FakeClips.Width), (placed.Height, placed.Width));
            var bytes = frames.Frames * placed.Height * placed.Width * 3;
            Assert.Equal(frames.Length, placed.Offset + bytes);
            var first = batch.Plans[0].Video[0];
            Assert.Equal(FakeClips.Pixel(standIn, first + frames.Frames - 1, placed.Height * placed.Width * 3 - 1), frames.Data[frames.Length - 1]);
            var neighbour = frames.Clips[1];
            Assert.Equal(FakeClips.Pixel((int)batch.ClipIndices[1], batch.Plans[1].Video[0], 0), frames.Data[neighbour.Offset]);
        });
    }

    [Fact]
    public void Layout_BatchALittleLargerThanTheFirst_TakesTheSameArray()
    {
        HostFrames frames = new(rows: 2, frames: 4);
        frames.Layout([Clip(100), Clip(100)]);
        var first = frames.Data;
        frames.Layout([Clip(110), Clip(130)]);
        Assert.Same(first, frames.Data); // what a device has locked stays locked, and nothing is locked beside it
        Assert.Equal(4 * 240 * 10 * 3, frames.Length);
        frames.Layout([Clip(200), Clip(200)]);
        Assert.NotSame(first, frames.Data);

        static ClipEntry Clip(int width) => new() { Id = "c", Source = "", Height = 10, Width = width };
    }

    [Fact]
    public void Constructor_DeferredWithoutARecipe_IsAUsageError() =>
        Assert.Throws<UsageException>(() => new ClipFeed(new FakeClips(43), Options with { Augmentation = null }));

    private static async Task ReadAsync(IClipSource clips, FeedOptions options, long steps, Action<HostBatch> seen)
    {
        long read = 0;
        await using ClipFeed feed = new(clips, options);
        await foreach (var batch in feed.ReadAsync(0, steps, cancellationToken: TestContext.Current.CancellationToken))
        {
            using (batch)
            {
                seen(batch);
                read++;
            }
        }

        Assert.Equal(steps, read);
    }
}
