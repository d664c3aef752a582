using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>Spatial views of a test window.</summary>
public enum TestCrops
{
    /// <summary>One, in the centre.</summary>
    Centre,

    /// <summary>Three along the long side.</summary>
    Three,

    /// <summary>
    /// As released for frozen features (<c>strong3crop</c>): resized to size / 0.875 as Pillow does and cut at the centre, after which nothing is left to crop:
    /// the three are one and the same picture, so one is computed.
    /// </summary>
    ReleasedThree,
}

/// <summary>
/// A feed for evaluation. Clip by clip: dense testing with n windows a clip, evenly spaced from the clip's beginning to its end, or a single centred one, each
/// in one or three crops; or, with augmentation, n windows that begin anywhere. Or shuffled, for training a classifier.
/// </summary>
public sealed record EvaluationOptions : ViewOptions
{
    public EvaluationOptions() => (BatchSize, Modalities, LocalVideoViews, LocalAudioViews, VideoTokens, AudioTokens, Augmentation, MemoryBudget)
        = (32, Modalities.Video, 0, 0, 0, 0, null, 1L << 30);

    /// <summary>Windows per clip, evenly spaced from its beginning to its end; one is centred. With augmentation they begin anywhere. Default 1.</summary>
    public int Windows { get; init; } = 1;

    /// <summary>
    /// As many windows of each clip as cover it, evenly spaced from its beginning to its end, in place of <see cref="Windows"/>. Default false.
    /// </summary>
    public bool Cover { get; init; }

    /// <summary>
    /// Epochs of windows that begin anywhere, of clips in a shuffled order: each comes <see cref="Windows"/> times an epoch, and what does not fill a batch at
    /// an epoch's end is left out. Default false: clip by clip, in the clips' order, whole; the last batch holds what is left.
    /// </summary>
    public bool Shuffle { get; init; }

    /// <summary>Spatial views of each window; without video, and with augmentation, there is one. Default the centre.</summary>
    public TestCrops Crops { get; init; } = TestCrops.Centre;

    /// <summary>Random augmentation of frames in training; null (the default): none.</summary>
    public RandAugmentOptions? RandAugment { get; init; }

    /// <summary>Random erasing of frames in training; null (the default): none.</summary>
    public RandomErasingOptions? Erasing { get; init; }

    /// <summary>Indices of the clips to read, in this order; null (the default) reads all.</summary>
    public IReadOnlyList<int>? Clips { get; init; }

    /// <summary>Rows of one clip: windows times crops.</summary>
    public int RowsPerClip => Windows * CropsPerWindow;

    /// <summary>Windows that are taken of a clip.</summary>
    public int WindowsOf(ClipEntry clip) => Cover ? Math.Max(1, (int)Math.Ceiling(Math.Round(clip.Duration / WindowSeconds, 3))) : Windows;

    /// <summary>Seconds from a source's beginning at which an undrawn window of a clip begins and ends.</summary>
    public (double Start, double End) TimeOf(ClipEntry clip, int window)
    {
        var count = WindowsOf(clip);
        var begin = Video
            ? DenseSchedule.Start(clip.NumFrames, Frames, window, count) / Fps
            : Math.Max(0, clip.Duration - WindowSeconds) * (count == 1 ? 0.5 : (double)window / (count - 1));
        return (clip.Start + begin, clip.Start + Math.Min(clip.Duration, begin + WindowSeconds));
    }

    private double WindowSeconds => Video ? Frames / Fps : AudioFrames * (double)Mel.Hop / Mel.SampleRate;

    internal int CropsPerWindow => Crops == TestCrops.Three && Augmentation is null && Video ? CropAugmenter.Along : 1;

    internal override IReadOnlyList<int>? Selected => Clips;

    internal override ISchedule Schedule(IClipSource source, WindowReader windows)
    {
        var clips = Clips ?? [.. Enumerable.Range(0, source.Clips.Count)];
        Recordings recordings = new(source, SampleUnit.PerClip);
        var visits = (long)clips.Count * Windows;
        if (!Shuffle)
        {
            return new DenseSchedule(clips, [.. clips.Select(c => WindowsOf(source.Clips[c]))], recordings, this, windows);
        }

        return visits >= BatchSize
            ? new ShuffledSchedule("classifier", new EpochPlan(visits, BatchSize), 0, new VisitOrder(clips, Windows, Seed), recordings, this, windows)
            : throw new UsageException($"cache {source.Name}: {visits} training windows an epoch do not fill a batch of {BatchSize}; use a smaller batch");
    }

    internal override ISampleAugmenter Augmenter(double melMean, double melStd) => Augmentation switch
    {
        { } recipe when RandAugment is not null || Erasing is not null => new FineTuneAugmenter(recipe, RandAugment, Erasing, this, melMean, melStd),
        null when Crops != TestCrops.Three || CropsPerWindow > 1 => new CropAugmenter(Crops, melMean, melStd),
        _ => base.Augmenter(melMean, melStd),
    };

    private protected override void Check(Action<bool, string> require)
    {
        base.Check(require);
        require(BatchSize >= 1 && Windows >= 1, $"batch size {BatchSize} and {Windows} windows a clip: both at least 1");
    }
}
