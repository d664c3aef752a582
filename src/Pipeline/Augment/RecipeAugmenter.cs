namespace Xkd.Pipeline;

/// <summary>The training augmentation: draws for every view, each applied to that view's own window.</summary>
internal sealed class RecipeAugmenter : ISampleAugmenter
{
    private readonly AugmentationOptions _options;
    private readonly VideoAugmenter _video = new();
    private readonly SpectrogramAugmenter _audio;
    private readonly int _mels;

    /// <param name="recipe">How views are drawn; their numbers and sizes follow the feed.</param>
    /// <param name="feed">The feed's options.</param>
    /// <param name="melMean">Mean of the log-mel.</param>
    /// <param name="melStd">Standard deviation of the log-mel.</param>
    public RecipeAugmenter(AugmentationOptions recipe, ViewOptions feed, double melMean, double melStd)
    {
        var locals = feed.Video ? feed.LocalVideoViews : 0;
        var audioLocals = feed.Audio ? feed.LocalAudioViews : 0;
        _mels = feed.Mel.Mels;
        _options = recipe with
        {
            GlobalVideo = recipe.GlobalVideo with { Views = feed.Video ? 1 : 0, Frames = feed.Frames, Size = feed.FrameSize },
            LocalVideo = recipe.LocalVideo with { Views = locals, Frames = feed.LocalFrames, Size = feed.LocalFrameSize },
            GlobalAudio = recipe.GlobalAudio with { Views = feed.Audio ? 1 : 0, Frames = feed.AudioFrames },
            LocalAudio = recipe.LocalAudio with { Views = audioLocals, Frames = feed.LocalAudioFrames },
            MelMean = melMean,
            MelStd = melStd,
            LogEpsilon = feed.Mel.LogEpsilon,
        };
        _options.Validate();
        _audio = new SpectrogramAugmenter(melMean, melStd, feed.Mel.LogEpsilon);
    }

    public ClipAugmentation Draw(in SampleKey key, int height, int width) => ClipAugmentation.Draw(_options, key, height, width, _mels);

    public void Video(ClipAugmentation? drawn, int view, ReadOnlySpan<byte> frames, int height, int width, int size, VideoDestination destination) =>
        _video.Apply(frames, height, width, drawn!.Video[view], size, destination);

    public void Audio(ClipAugmentation? drawn, int view, ReadOnlySpan<Half> logMel, int mels, Span<float> destination) =>
        _audio.Apply(logMel, mels, drawn!.Audio[view], destination);
}
