using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// Where one sample's windows begin: a pure function of the key and the clip, and the one place that draws it. The global audio window begins with the
/// global video window, in a cached spectrogram at the frame nearest to its start. Local views lie within the global window of their modality, or
/// anywhere in the clip where the options say so; each draws its own start, and every start is equally likely. Of a window that the clip does not fill they
/// are cut out of what the clip does fill, so that no view is made of padding alone, as long as that holds a view.
/// </summary>
internal sealed record WindowPlan
{
    /// <summary>First frame of each video view, the global one first; empty without video.</summary>
    public required int[] Video { get; init; }

    /// <summary>First audio sample of each audio view, the global one first; empty without audio.</summary>
    public required int[] Audio { get; init; }

    public static WindowPlan Draw(in SampleKey key, ClipEntry clip, FeedOptions options, WindowReader windows)
    {
        bool inside = options.LocalFrom == LocalFrom.Window;
        int[] video = options.Video ? new int[1 + options.LocalVideoViews] : [];
        for (int view = 0; view < video.Length; view++)
        {
            (int from, int length) = view > 0 && inside ? Filled(video[0], options.Frames, clip.NumFrames) : (0, clip.NumFrames);
            (SamplePurpose purpose, int frames) = view > 0 ? (SamplePurpose.LocalVideoStart, options.LocalFrames) : (SamplePurpose.Window, options.Frames);
            video[view] = from + new SampleRandom(key, purpose, view).NextInt(1 + Math.Max(0, length - frames));
        }

        int[] audio = options.Audio ? new int[1 + options.LocalAudioViews] : [];
        for (int view = 0; view < audio.Length; view++)
        {
            if (view == 0 && options.Video)
            {
                audio[0] = windows.SampleAt(clip, video[0] / options.Fps);
                continue;
            }

            int sound = windows.Samples(clip);
            (int from, int length) = view > 0 && inside ? Filled(audio[0], windows.Samples(clip, options.AudioFrames), sound) : (0, sound);
            (SamplePurpose purpose, int frames) = view > 0 ? (SamplePurpose.LocalAudioStart, options.LocalAudioFrames) : (SamplePurpose.Window, options.AudioFrames);
            audio[view] = from + windows.Start(clip, new SampleRandom(key, purpose, view).NextInt(windows.Starts(clip, length, frames)));
        }

        return new WindowPlan { Video = video, Audio = audio };
    }

    /// <summary>The first of the frames read of a clip that a video view shows: local windows lie in the global one, or are read behind it.</summary>
    public int FirstRead(int view, FeedOptions options) =>
        view == 0 ? 0 : options.LocalFrom == LocalFrom.Window ? Video[view] - Video[0] : options.Frames + ((view - 1) * options.LocalFrames);

    private static (int From, int Length) Filled(int start, int window, int available) => (start, Math.Clamp(available - start, 0, window));
}
