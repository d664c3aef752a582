using Xkd.Storage;

namespace Xkd.Pipeline.Tests;

public sealed class ClassifierFeedTests
{
    private static readonly EvaluationOptions Options = new()
    {
        BatchSize = 4,
        Modalities = Modalities.Both,
        Windows = 2,
        Shuffle = true,
        Frames = 6,
        FrameSize = 12,
        AudioFrames = 20,
        Mel = FakeClips.Options.Mel,
        Workers = 2,
        Seed = 9,
        Augmentation = new AugmentationOptions(),
        RandAugment = new RandAugmentOptions(),
        Erasing = new RandomErasingOptions { Probability = 1 },
    };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ReadAsync_AnEpoch_VisitsEveryClipAsOftenAsAsked()
    {
        await using ClipFeed feed = new(new FakeClips(8), Options with { Clips = [1, 2, 3, 5, 6, 7] });
        Assert.Equal(3, feed.StepsPerEpoch);
        List<long> first = [], second = [];
        await foreach (var batch in feed.ReadAsync(0, 6, cancellationToken: Token))
        {
            (batch.Epoch == 0 ? first : second).AddRange(batch.ClipIndices);
            batch.Dispose();
        }

        Assert.All(new[] { first, second }, epoch => Assert.Equal([1, 1, 2, 2, 3, 3, 5, 5, 6, 6, 7, 7], epoch.Order()));
        Assert.NotEqual(first, second);
    }

    [Fact]
    public async Task ReadAsync_AStep_HasTheSameValuesWhereverReadingBegan()
    {
        Assert.Equal(await ReadAsync(0, 5), await ReadAsync(4, 5));
        Assert.NotEqual(await ReadAsync(0, 5), await ReadAsync(0, 4));
    }

    [Fact]
    public void Constructor_FewerWindowsThanABatch_SaysSo() =>
        Assert.Contains("smaller batch", Assert.Throws<UsageException>(() => new ClipFeed(new FakeClips(1), Options)).Message, StringComparison.Ordinal);

    /// <summary>Values of the last step read.</summary>
    private static async Task<(float[] Video, float[] Audio)> LastAsync(int from, int to)
    {
        await using ClipFeed feed = new(new FakeClips(8), Options);
        (float[], float[]) last = ([], []);
        await foreach (var batch in feed.ReadAsync(from, to, cancellationToken: Token))
        {
            last = ([.. batch.Video[0].Data], [.. batch.Audio[0].Data]);
            batch.Dispose();
        }

        return last;
    }

    private static async Task<float[]> ReadAsync(int from, int to)
    {
        (var video, var audio) = await LastAsync(from, to);
        return [.. video, .. audio];
    }
}
