namespace Xkd.Pipeline.Tests;

/// <summary>What a feed holds and allocates over many batches, and while nobody takes them.</summary>
[Collection(nameof(AloneCollection))]
public sealed class FeedEnduranceTests
{
    private const int Clips = 43;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ReadAsync_ThousandsOfBatches_AllocateNoMoreThanTheirRecords()
    {
        // Larger views than elsewhere: beside their bytes the records of what was drawn must not show.
        var options = FakeClips.Options with { Frames = 20, LocalVideoViews = 1, LocalFrames = 8, AudioFrames = 60 };
        await using ClipFeed sized = new(new FakeClips(Clips), options);
        const int Ahead = 8;
        await using ClipFeed feed = new(new FakeClips(Clips, frames: _ => 40, melFrames: _ => 80), options with { MemoryBudget = Ahead * sized.BatchBytes });
        HashSet<object> buffers = new(ReferenceEqualityComparer.Instance);
        (long before, long steps) = (0, 0);
        await foreach (var batch in feed.ReadAsync(0, 2100, cancellationToken: Token))
        {
            buffers.Add(batch.Levels[0].Data);
            batch.Dispose();
            steps++;
            if (steps == 100)
            {
                before = GC.GetTotalAllocatedBytes(precise: true);
            }
        }

        Assert.Equal(0, feed.BytesInFlight);
        Assert.InRange(buffers.Count, 1, Ahead); // what the budget lets live at once is used again and again
        Assert.InRange((GC.GetTotalAllocatedBytes(precise: true) - before) / (2000.0 * 8), 0, 16_700); // a sample; 1 % of a real one of 1.67 MB
    }

    [Fact]
    public async Task ReadAsync_ConsumerPaused_ReadsOnlyWhatTheBudgetHoldsUntilABatchIsDisposed()
    {
        FakeClips clips = new(Clips);
        var options = FakeClips.Options with { LocalVideoViews = 0 };
        await using ClipFeed sized = new(new FakeClips(Clips), options);
        SampleWorker worker = new(options, new WindowReader(clips, options.Mel), new WindowRecorder());
        var budget = (4 * sized.BatchBytes) + (8 * clips.Clips.Max(c => worker.WindowBytes(Stretch.Of(c)))); // windows of one batch in the making
        await using ClipFeed feed = new(clips, options with { MemoryBudget = budget });
        var reader = feed.ReadAsync(0, Token).GetAsyncEnumerator(Token);
        List<HostBatch> held = [];
        for (var consumed = 1; consumed <= 20; consumed++)
        {
            // A batch keeps its bytes until it is disposed, so exactly the batches that fit are ever read: an event, not a wait.
            Assert.True(await reader.MoveNextAsync());
            held.Add(reader.Current);
            await clips.ReadsAsync(8 * (consumed + 3), Token);
            Assert.Equal(8 * (consumed + 3), clips.Reads);
            Assert.InRange(feed.BytesInFlight, 1, budget);
            held[0].Dispose();
            held.RemoveAt(0);
        }

        await reader.DisposeAsync();
        Assert.InRange(feed.Report().PeakBytes, 1, budget);
    }
}
