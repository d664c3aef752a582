using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// Where one sample's windows begin: a pure function of the key and the clip. The global audio window begins at the spectrogram frame
/// nearest the global video window's start; local windows begin anywhere in the clip, video and audio independently, as in the reference.
/// </summary>
internal sealed record WindowPlan
{
    /// <summary>First frame of each video view, the global one first; empty without video.</summary>
    public required int[] Video { get; init; }

    /// <summary>First spectrogram frame of each audio view, the global one first; empty without audio.</summary>
    public required int[] Audio { get; init; }

    public static WindowPlan Draw(in SampleKey key, ClipEntry clip, FeedOptions options, WindowReader windows)
    {
        int global = options.Video ? Start(key, SamplePurpose.Window, 0, clip.NumFrames, options.Frames) : 0;
        int[] video = options.Video ? new int[1 + options.LocalVideoViews] : [];
        for (int view = 0; view < video.Length; view++)
        {
            video[view] = view == 0 ? global : Start(key, SamplePurpose.LocalVideoStart, view, clip.NumFrames, options.LocalFrames);
        }

        int spectrogram = options.Audio ? windows.SpectrogramFrames(clip) : 0;
        int[] audio = options.Audio ? new int[1 + options.LocalAudioViews] : [];
        for (int view = 0; view < audio.Length; view++)
        {
            audio[view] = view > 0 ? Start(key, SamplePurpose.LocalAudioStart, view, spectrogram, options.LocalAudioFrames)
                : options.Video ? windows.FrameAt(global / options.Fps)
                : Start(key, SamplePurpose.Window, 0, spectrogram, options.AudioFrames);
        }

        return new WindowPlan { Video = video, Audio = audio };
    }

    private static int Start(in SampleKey key, SamplePurpose purpose, int index, int available, int window) =>
        new SampleRandom(key, purpose, index).NextInt(Math.Max(1, available - window + 1));
}
