namespace Xkd.Pipeline.Tests;

public sealed class RecipeAugmenterTests
{
    private static readonly AugmentationOptions Still = new()
    {
        GlobalVideo = Unmoved(new VideoViewOptions()),
        LocalVideo = Unmoved(VideoViewOptions.Local),
        GlobalAudio = new SpectrogramViewOptions { Volume = 0 },
        LocalAudio = SpectrogramViewOptions.Local with { Volume = 0, ResizeCropProbability = 0 },
    };

    [Fact]
    public async Task Views_NothingToDraw_AreTheWindowsNormalised()
    {
        // Square frames of the view's size and crops of everything: what comes out is the window, whatever made it.
        var options = FakeClips.Options with { FrameSize = FakeClips.Height, LocalFrameSize = FakeClips.Height, LocalVideoViews = 0, LocalAudioViews = 0 };
        var still = await FirstAudioAsync(options with { Augmentation = Still });
        var plain = await FirstAudioAsync(options with { Augmentation = null });
        Assert.Equal(plain.Length, still.Length);
        Assert.All(plain.Zip(still), p => Assert.Equal(p.First, p.Second, 1e-6f)); // values up to 2, two roundings on each side: 4 · 2^-23
    }

    [Fact]
    public async Task Views_Recipe_DiffersFromTheWindowsAndBetweenEpochs()
    {
        var recipe = await FirstAudioAsync(FakeClips.Options);
        Assert.NotEqual(await FirstAudioAsync(FakeClips.Options with { Augmentation = null }), recipe);
        Assert.Equal(await FirstAudioAsync(FakeClips.Options), recipe);
    }

    private static VideoViewOptions Unmoved(VideoViewOptions options) => options with
    {
        CropScaleMin = 1,
        CropScaleMax = 1,
        FlipProbability = 0,
        JitterProbability = 0,
        GrayProbability = 0,
        BlurProbability = 0,
    };

    private static async Task<float[]> FirstAudioAsync(FeedOptions options)
    {
        await using ClipFeed feed = new(new FakeClips(16), options);
        await foreach (var batch in feed.ReadAsync(0, 1, cancellationToken: TestContext.Current.CancellationToken))
        {
            using (batch)
            {
                return batch.Audio[0].Data[..batch.Audio[0].Length];
            }
        }

        throw new InvalidOperationException("the feed was empty");
    }
}
