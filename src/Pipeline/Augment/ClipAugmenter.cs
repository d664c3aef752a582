using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// Draws and applies: from a sample's raw windows to its normalised views. Thread-safe, and a pure function of the options, the
/// sample's key and the windows; what it allocates are the small records of what was drawn.
/// </summary>
public sealed class ClipAugmenter
{
    private readonly VideoAugmenter _video;
    private readonly SpectrogramAugmenter _audio;

    /// <exception cref="UsageException">Options that cannot be drawn; every one of them is named.</exception>
    public ClipAugmenter(AugmentationOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        Options = options;
        _video = new VideoAugmenter(options.FrameMean, options.FrameStd);
        _audio = new SpectrogramAugmenter(options.MelMean, options.MelStd, options.LogEpsilon);
    }

    /// <summary>What is drawn.</summary>
    public AugmentationOptions Options { get; }

    /// <summary>One video view from frames that are already its own.</summary>
    /// <param name="key">The sample, for the draws.</param>
    /// <param name="view">Number of the view: the global ones first, then the local ones.</param>
    /// <param name="frames">rgb24 [frames, height, width, 3].</param>
    /// <param name="height">Rows of a cached frame.</param>
    /// <param name="width">Columns of a cached frame.</param>
    /// <param name="size">Rows and columns of the view.</param>
    /// <param name="destination">Receives [3, frames, size, size].</param>
    public void Video(in SampleKey key, int view, ReadOnlySpan<byte> frames, int height, int width, int size, Span<float> destination)
    {
        VideoViewOptions kind = view < Options.GlobalVideo.Views ? Options.GlobalVideo : Options.LocalVideo;
        VideoViewAugmentation drawn = ViewDraw.Video(kind with { Size = size }, key, view, height, width);
        _video.Apply(frames, height, width, drawn, frames.Length / (height * width * 3), size, destination);
    }

    /// <summary>One audio view from a log-mel that is already its own.</summary>
    /// <param name="key">The sample, for the draws.</param>
    /// <param name="view">Number of the view: the global ones first, then the local ones.</param>
    /// <param name="logMel">[mels, frames].</param>
    /// <param name="mels">Bands.</param>
    /// <param name="destination">Receives [mels, frames].</param>
    public void Audio(in SampleKey key, int view, ReadOnlySpan<float> logMel, int mels, Span<float> destination)
    {
        SpectrogramViewOptions kind = view < Options.GlobalAudio.Views ? Options.GlobalAudio : Options.LocalAudio;
        int frames = logMel.Length / mels;
        _audio.Apply(logMel, mels, 0, ViewDraw.Audio(kind with { Frames = frames }, key, view, mels), frames, destination);
    }

    /// <summary>Every view of a clip from its one raw window: local views are cut from inside it.</summary>
    /// <param name="drawn">What <see cref="ClipAugmentation.Draw"/> gave for this clip.</param>
    /// <param name="frames">rgb24 [global frames, height, width, 3].</param>
    /// <param name="height">Rows of a cached frame.</param>
    /// <param name="width">Columns of a cached frame.</param>
    /// <param name="mel">Log-mel, [mels, global frames]; shorter is filled with silence.</param>
    /// <param name="mels">Bands.</param>
    /// <param name="video">Receives [3, frames, size, size] for each video view.</param>
    /// <param name="audio">Receives [mels, frames] for each audio view.</param>
    public void Apply(
        ClipAugmentation drawn, ReadOnlySpan<byte> frames, int height, int width, ReadOnlySpan<Half> mel, int mels,
        IReadOnlyList<Memory<float>> video, IReadOnlyList<Memory<float>> audio)
    {
        ArgumentNullException.ThrowIfNull(drawn);
        ArgumentNullException.ThrowIfNull(video);
        ArgumentNullException.ThrowIfNull(audio);
        for (int view = 0; view < drawn.Video.Count; view++)
        {
            VideoViewOptions kind = view < Options.GlobalVideo.Views ? Options.GlobalVideo : Options.LocalVideo;
            _video.Apply(frames, height, width, drawn.Video[view], kind.Frames, kind.Size, video[view].Span);
        }
        for (int view = 0; view < drawn.Audio.Count; view++)
        {
            SpectrogramViewOptions kind = view < Options.GlobalAudio.Views ? Options.GlobalAudio : Options.LocalAudio;
            _audio.Apply(mel, mels, 0, drawn.Audio[view], kind.Frames, audio[view].Span);
        }
    }
}
