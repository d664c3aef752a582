namespace Xkd.Pipeline;

/// <summary>
/// Everything drawn for one clip: its video views and its audio views, global ones first; where their windows begin is not of it. A pure function of the options, the
/// sample's key and the frame size; each decision has its own random stream, so changing one option moves no other draw.
/// </summary>
public sealed record ClipAugmentation
{
    /// <summary>Video views: the global ones, then the local ones.</summary>
    public IReadOnlyList<VideoViewAugmentation> Video { get; init; } = [];

    /// <summary>Audio views: the global ones, then the local ones.</summary>
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
        for (var view = 0; view < video.Length; view++)
        {
            var kind = view < globals ? options.GlobalVideo : options.LocalVideo;
            video[view] = ViewDraw.Video(kind, key, view, height, width);
        }
        var audio = new SpectrogramViewAugmentation[audioGlobals + options.LocalAudio.Views];
        for (var view = 0; view < audio.Length; view++)
        {
            var kind = view < audioGlobals ? options.GlobalAudio : options.LocalAudio;
            audio[view] = ViewDraw.Audio(kind, key, view, mels);
        }
        return new ClipAugmentation { Video = video, Audio = audio };
    }
}
