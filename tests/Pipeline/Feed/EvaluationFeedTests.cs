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
        await using ClipFeed feed = new(new FakeClips(7), Options);
        List<(long Clip, int Window)> rows = [];
        List<int> sizes = [];
        await foreach (var batch in feed.ReadEpochAsync(0, Token))
        {
            rows.AddRange(batch.ClipIndices.Zip(batch.Plans.Select(p => p.Window)));
            sizes.Add(batch.Size);
            Assert.Equal([batch.Size, 3, 6, 12, 12], batch.GlobalVideo!.Shape);
            Assert.Equal([batch.Size, 1, 8, 20], batch.GlobalAudio!.Shape);
            Assert.Equal(batch.ClipIndices.Select(i => $"clip{i:D4}"), batch.ClipIds);
            batch.Dispose();
        }

        Assert.Equal(21, feed.Plan.Clips);
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
        Assert.Equal(expected, DenseSchedule.Start(available, window, index, windows));

    [Fact]
    public async Task ReadAsync_ThreeCrops_AreThreeRowsOfAWindowAndTheMiddleOneIsTheCentre()
    {
        var options = Options with { Modalities = Modalities.Video, Windows = 2, BatchSize = 4 };
        float[][] three = await VideoRowsAsync(options with { Crops = TestCrops.Three }, [0, 0, 0, 1, 1, 1]), centre = await VideoRowsAsync(options, [0, 1]);
        Assert.Equal(3 * centre.Length, three.Length);
        for (var window = 0; window < centre.Length; window++)
        {
            Assert.Equal(centre[window], three[(3 * window) + 1]);
            Assert.NotEqual(three[3 * window], three[(3 * window) + 2]);
        }
    }

    [Fact]
    public async Task ReadAsync_Augmented_WindowsDependOnSeedAndClipAlone()
    {
        var options = Options with { Modalities = Modalities.Video, Windows = 1, Augmentation = new AugmentationOptions(), Seed = 4 };
        float[][] all = await VideoRowsAsync(options, [0]), some = await VideoRowsAsync(options with { Clips = [2] }, [0]), other = await VideoRowsAsync(options with { Clips = [2], Seed = 5 }, [0]);
        Assert.Equal(all[2], some[0]);
        Assert.NotEqual(some[0], other[0]);
    }

    [Theory]
    [InlineData(Modalities.Video)]
    [InlineData(Modalities.Audio)]
    public async Task ReadAsync_OneModalityOfSomeClips_DeliversThose(Modalities modality)
    {
        await using ClipFeed feed = new(new FakeClips(7, melFrames: i => i == 0 ? 0 : 60), Options with { Modalities = modality, Windows = 1, Clips = [4, 2] });
        await foreach (var batch in feed.ReadEpochAsync(0, Token))
        {
            Assert.Equal([4, 2], batch.ClipIndices);
            Assert.Equal(modality == Modalities.Video, batch.GlobalVideo is not null);
            Assert.Equal(modality == Modalities.Audio, batch.GlobalAudio is not null);
            batch.Dispose();
        }
    }

    [Fact]
    public async Task ReadAsync_ThreeCropsOfACacheOfWaveforms_HaveTheSameAudio()
    {
        FakeClips clips = new(3, samples: _ => 4000) { Fingerprint = new FakeClips(1).Fingerprint with { AudioCodec = AudioCodecs.Pcm } };
        await using ClipFeed feed = new(clips, Options with { Windows = 1, Crops = TestCrops.Three, BatchSize = 3 });
        await foreach (var batch in feed.ReadEpochAsync(0, Token))
        {
            Assert.Equal(batch.GlobalAudio!.Row(0).ToArray(), batch.GlobalAudio.Row(2).ToArray());
            Assert.NotEqual(batch.GlobalVideo!.Row(0).ToArray(), batch.GlobalVideo.Row(2).ToArray());
            batch.Dispose();
        }
    }

    [Fact]
    public async Task ReadEpochAsync_NoClips_GivesNothing()
    {
        await using ClipFeed feed = new(new FakeClips(7), Options with { Clips = [] });
        await foreach (var _ in feed.ReadEpochAsync(0, Token))
        {
            Assert.Fail("there is nothing to read");
        }
    }

    [Fact]
    public async Task ReadAsync_DamagedRow_EndsTheRun()
    {
        await using ClipFeed feed = new(new FakeClips(7, corrupt: [3]), Options);
        await Assert.ThrowsAsync<CorruptCacheException>(async () =>
        {
            await foreach (var batch in feed.ReadEpochAsync(0, Token))
            {
                batch.Dispose();
            }
        });
    }

    [Fact]
    public void Constructor_FramesLargerThanTheCaches_NamesTheIngestCommand()
    {
        var error = Assert.Throws<UsageException>(() => new ClipFeed(new FakeClips(7), Options with { FrameSize = 224 }));
        Assert.Contains("--short-side 224", error.Message, StringComparison.Ordinal);
    }

    private static async Task<float[][]> VideoRowsAsync(EvaluationOptions options, int[] windows)
    {
        await using ClipFeed feed = new(new FakeClips(3), options);
        List<float[]> rows = [];
        List<int> seen = [];
        await foreach (var batch in feed.ReadEpochAsync(0, Token))
        {
            var size = batch.GlobalVideo!.Length / (int)batch.GlobalVideo.Shape[0];
            rows.AddRange(Enumerable.Range(0, batch.Size).Select(i => batch.GlobalVideo.Data.AsSpan(i * size, size).ToArray()));
            seen.AddRange(batch.Plans.Select(p => p.Window));
            batch.Dispose();
        }

        Assert.Equal(Enumerable.Repeat(windows, seen.Count / windows.Length).SelectMany(w => w), seen);
        return [.. rows];
    }
}
