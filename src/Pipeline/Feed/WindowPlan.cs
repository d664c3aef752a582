using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// Where one sample's windows begin: a pure function of the key and the clip. The global audio window begins with the global video window, in a
/// cached spectrogram at the frame nearest to its start; local windows begin anywhere in the clip, video and audio independently, as in the reference.
/// </summary>
internal sealed record WindowPlan
{
    /// <summary>First frame of each video view, the global one first; empty without video.</summary>
    public required int[] Video { get; init; }

    /// <summary>First audio sample of each audio view, the global one first; empty without audio.</summary>
    public required int[] Audio { get; init; }

    public static WindowPlan Draw(in SampleKey key, ClipEntry clip, FeedOptions options, WindowReader windows)
    {
        int global = options.Video ? Start(key, SamplePurpose.Window, 0, clip.NumFrames, options.Frames) : 0;
        int[] video = options.Video ? new int[1 + options.LocalVideoViews] : [];
        for (int view = 0; view < video.Length; view++)
        {
            video[view] = view == 0 ? global : Start(key, SamplePurpose.LocalVideoStart, view, clip.NumFrames, options.LocalFrames);
        }

        int[] audio = options.Audio ? new int[1 + options.LocalAudioViews] : [];
        for (int view = 0; view < audio.Length; view++)
        {
            audio[view] = view == 0 && options.Video ? windows.SampleAt(clip, global / options.Fps)
                : AudioStart(key, view == 0 ? SamplePurpose.Window : SamplePurpose.LocalAudioStart, view, clip, view == 0 ? options.AudioFrames : options.LocalAudioFrames, windows);
        }

        return new WindowPlan { Video = video, Audio = audio };
    }

    private static int AudioStart(in SampleKey key, SamplePurpose purpose, int index, ClipEntry clip, int frames, WindowReader windows) =>
        windows.Start(clip, new SampleRandom(key, purpose, index).NextInt(windows.Starts(clip, frames)));

    private static int Start(in SampleKey key, SamplePurpose purpose, int index, int available, int window) =>
        new SampleRandom(key, purpose, index).NextInt(Math.Max(1, available - window + 1));
}
