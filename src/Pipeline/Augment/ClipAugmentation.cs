namespace Xkd.Pipeline;

/// <summary>
/// Everything drawn for one clip: its video views and its audio views, global ones first. A pure function of the options, the
/// sample's key and the frame size; each decision has its own random stream, so changing one option moves no other draw.
/// </summary>
public sealed record ClipAugmentation
{
    /// <summary>Video views: the global ones, then the local ones.</summary>
    public IReadOnlyList<VideoViewAugmentation> Video { get; init; } = [];

    /// <summary>Audio views: the global ones, then the local ones. A local audio view starts independently of the local video view, as in the reference.</summary>
    public IReadOnlyList<SpectrogramViewAugmentation> Audio { get; init; } = [];

    /// <summary>Draws a clip's views.</summary>
    /// <param name="options">What to draw.</param>
    /// <param name="key">The sample.</param>
    /// <param name="height">Rows of the cached frames.</param>
    /// <param name="width">Columns of the cached frames.</param>
    /// <param name="mels">Bands of the cached spectrogram.</param>
    public static ClipAugmentation Draw(AugmentationOptions options, in SampleKey key, int height, int width, int mels)
    {
        ArgumentNullException.ThrowIfNull(options);
        int globals = options.GlobalVideo.Views, audioGlobals = options.GlobalAudio.Views;
        var video = new VideoViewAugmentation[globals + options.LocalVideo.Views];
        for (int view = 0; view < video.Length; view++)
        {
            VideoViewOptions kind = view < globals ? options.GlobalVideo : options.LocalVideo;
            int start = new SampleRandom(key, SamplePurpose.LocalVideoStart, view).NextInt(options.GlobalVideo.Frames - kind.Frames + 1);
            video[view] = ViewDraw.Video(kind, key, view, height, width) with { FirstFrame = start };
        }
        var audio = new SpectrogramViewAugmentation[audioGlobals + options.LocalAudio.Views];
        for (int view = 0; view < audio.Length; view++)
        {
            SpectrogramViewOptions kind = view < audioGlobals ? options.GlobalAudio : options.LocalAudio;
            int start = new SampleRandom(key, SamplePurpose.LocalAudioStart, view).NextInt(options.GlobalAudio.Frames - kind.Frames + 1);
            audio[view] = ViewDraw.Audio(kind, key, view, mels) with { FirstFrame = start };
        }
        return new ClipAugmentation { Video = video, Audio = audio };
    }
}
