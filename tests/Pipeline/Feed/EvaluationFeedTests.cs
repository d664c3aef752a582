using Xkd.Storage;

namespace Xkd.Pipeline.Tests;

public sealed class EvaluationFeedTests
{
    private static readonly EvaluationOptions Options = new()
    {
        BatchSize = 5,
        Modalities = Modalities.Both,
        Windows = 3,
        Frames = 6,
        FrameSize = 12,
        AudioFrames = 20,
        Mel = FakeClips.Options.Mel,
        Workers = 2,
    };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ReadAsync_AllWindows_ComeOnceInOrder()
    {
        await using EvaluationFeed feed = new(new FakeClips(7), Options);
        List<(long Clip, int Window)> rows = [];
        List<int> sizes = [];
        await foreach (EvaluationBatch batch in feed.ReadAsync(Token))
        {
            rows.AddRange(batch.ClipIndices.Zip(batch.WindowIndices));
            sizes.Add(batch.Size);
            Assert.Equal([batch.Size, 3, 6, 12, 12], batch.Video!.Shape);
            Assert.Equal([batch.Size, 1, 8, 20], batch.Audio!.Shape);
            Assert.Equal(batch.ClipIndices.Select(i => $"clip{i:D4}"), batch.ClipIds);
            batch.Dispose();
        }

        Assert.Equal(21, feed.Count);
        Assert.Equal([5, 5, 5, 5, 1], sizes);
        Assert.Equal(Enumerable.Range(0, 21).Select(i => ((long)(i / 3), i % 3)), rows);
    }

    [Theory]
    [InlineData(32, 32, 0, 1, 0)]
    [InlineData(20, 32, 0, 1, 0)]
    [InlineData(80, 32, 0, 1, 24)]
    [InlineData(80, 32, 0, 5, 0)]
    [InlineData(80, 32, 2, 5, 24)]
    [InlineData(80, 32, 4, 5, 48)]
    public void Start_Windows_AreEvenlySpacedFromEndToEnd(int available, int window, int index, int windows, int expected) =>
        Assert.Equal(expected, EvaluationFeed.Start(available, window, index, windows));

    [Theory]
    [InlineData(Modalities.Video)]
    [InlineData(Modalities.Audio)]
    public async Task ReadAsync_OneModalityOfSomeClips_DeliversThose(Modalities modality)
    {
        await using EvaluationFeed feed = new(new FakeClips(7, melFrames: i => i == 0 ? 0 : 60), Options with { Modalities = modality, Windows = 1, Clips = [4, 2] });
        await foreach (EvaluationBatch batch in feed.ReadAsync(Token))
        {
            Assert.Equal([4, 2], batch.ClipIndices);
            Assert.Equal(modality == Modalities.Video, batch.Video is not null);
            Assert.Equal(modality == Modalities.Audio, batch.Audio is not null);
            batch.Dispose();
        }
    }

    [Fact]
    public async Task ReadAsync_DamagedRow_EndsTheRun()
    {
        await using EvaluationFeed feed = new(new FakeClips(7, corrupt: [3]), Options);
        await Assert.ThrowsAsync<CorruptCacheException>(async () =>
        {
            await foreach (EvaluationBatch batch in feed.ReadAsync(Token))
            {
                batch.Dispose();
            }
        });
    }

    [Fact]
    public void Constructor_FramesLargerThanTheCaches_NamesTheIngestCommand()
    {
        UsageException error = Assert.Throws<UsageException>(() => new EvaluationFeed(new FakeClips(7), Options with { FrameSize = 224 }));
        Assert.Contains("--short-side 224", error.Message, StringComparison.Ordinal);
    }
}
