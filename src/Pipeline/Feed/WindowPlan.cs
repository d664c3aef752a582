namespace Xkd.Pipeline;

/// <summary>
/// Where one sample's windows begin: a pure function of the key and the recording, and the one place that draws it. The global audio window begins with the
/// global video window, in a cached spectrogram at the frame nearest to its start. Local views lie within the global window of their modality, or
/// anywhere in the clip where the options say so (which takes clips for the unit of an epoch); each draws its own start, and every start is equally likely. Of a
/// window that the clip does not fill they are cut out of what the clip does fill, so that no view is made of padding alone, as long as that holds a view.
/// </summary>
internal sealed record WindowPlan
{
    /// <summary>What they are cut out of.</summary>
    public required Stretch Stretch { get; init; }

    /// <summary>First frame of each video view, the global one first; empty without video.</summary>
    public required int[] Video { get; init; }

    /// <summary>First audio sample of each audio view, the global one first; empty without audio.</summary>
    public required int[] Audio { get; init; }

    /// <summary>Which of the clip's test windows it is; 0 in training.</summary>
    public int Window { get; init; }

    /// <param name="key">The sample.</param>
    /// <param name="recording">Its stretches; every start of a global window in any of them is equally likely.</param>
    /// <param name="options">The views.</param>
    /// <param name="windows">Where audio can begin.</param>
    public static WindowPlan Draw(in SampleKey key, IReadOnlyList<Stretch> recording, ViewOptions options, WindowReader windows)
    {
        var place = new SampleRandom(key, SamplePurpose.Window).NextInt(recording.Sum(Places));
        var at = 0;
        for (; place >= Places(recording[at]); at++)
        {
            place -= Places(recording[at]);
        }

        var whole = recording[at];
        int first = options.Video ? place : windows.Start(whole.First, place), segment = 0;
        while (segment < whole.Count - 1 && first >= Length(segment))
        {
            first -= Length(segment++);
        }

        // Of the segments before the one that the window begins in nothing is read.
        return Draw(key, whole.From(segment), first, options, windows);

        int Places(Stretch stretch) => options.Video
            ? 1 + Math.Max(0, stretch.NumFrames - options.Frames)
            : windows.Starts(stretch.First, windows.Samples(stretch), options.AudioFrames);
        int Length(int segment) => options.Video ? whole[segment].NumFrames : windows.SampleOf(whole, segment + 1) - windows.SampleOf(whole, segment);
    }

    private static WindowPlan Draw(in SampleKey key, Stretch stretch, int first, ViewOptions options, WindowReader windows)
    {
        var inside = options.LocalFrom == LocalFrom.Window;
        var video = options.Video ? new int[1 + options.LocalVideoViews] : [];
        var available = stretch.NumFrames;
        for (var view = 0; view < video.Length; view++)
        {
            (var from, var length) = inside ? Filled(video[0], options.Frames, available) : (0, available);
            var starts = 1 + Math.Max(0, length - options.LocalFrames);
            video[view] = view == 0 ? first : from + new SampleRandom(key, SamplePurpose.LocalVideoStart, view).NextInt(starts);
        }

        var audio = options.Audio ? new int[1 + options.LocalAudioViews] : [];
        var sound = windows.Samples(stretch);
        for (var view = 0; view < audio.Length; view++)
        {
            (var from, var length) = inside ? Filled(audio[0], windows.Samples(stretch.First, options.AudioFrames), sound) : (0, sound);
            var starts = windows.Starts(stretch.First, length, options.LocalAudioFrames);
            audio[view] = view > 0
                ? from + windows.Start(stretch.First, new SampleRandom(key, SamplePurpose.LocalAudioStart, view).NextInt(starts))
                : windows.SampleAt(stretch.First, options.Video ? first / options.Fps : (double)first / options.Mel.SampleRate);
        }

        return new WindowPlan { Stretch = stretch, Video = video, Audio = audio };
    }

    /// <summary>The first of the frames read of a clip that a video view shows: local windows lie in the global one, or are read behind it.</summary>
    public int FirstRead(int view, ViewOptions options) =>
        view == 0 ? 0 : options.LocalFrom == LocalFrom.Window ? Video[view] - Video[0] : options.Frames + ((view - 1) * options.LocalFrames);

    private static (int From, int Length) Filled(int start, int window, int available) => (start, Math.Clamp(available - start, 0, window));
}
