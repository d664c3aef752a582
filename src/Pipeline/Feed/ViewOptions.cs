using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>Which of a clip's modalities a feed delivers.</summary>
[Flags]
public enum Modalities
{
    None = 0,
    Video = 1,
    Audio = 2,
    Both = Video | Audio,
}

/// <summary>What local views are cut out of.</summary>
public enum LocalFrom
{
    /// <summary>The global window of their modality, as in the paper and the released code. The default.</summary>
    Window,

    /// <summary>The whole clip: a local view may show a moment that no global view does.</summary>
    Clip,
}

/// <summary>What a feed does with a row whose checksum does not match.</summary>
public enum CorruptRowPolicy
{
    /// <summary>The run ends with the typed error. The default.</summary>
    Fail,

    /// <summary>
    /// The row is left out and counted, and its slot is filled by the next position of the epoch's unused tail (the last N mod B
    /// positions, which no step visits); no clip is seen twice. When the tail is used up the run ends.
    /// </summary>
    Skip,
}

/// <summary>What every feed has: the views that it cuts from a clip, and what it may use of the machine. Derived options say when which clip is read.</summary>
public abstract record ViewOptions
{
    /// <summary>Seed of the order and of every draw. Default 0.</summary>
    public ulong Seed { get; init; }

    /// <summary>Clips, or windows, per step over all ranks. Default 256, in evaluation 32.</summary>
    public int BatchSize { get; init; } = 256;

    /// <summary>Which modalities are delivered. Default both, in evaluation video.</summary>
    public Modalities Modalities { get; init; } = Modalities.Both;

    /// <summary>Frames a second the cache must hold. Default 8.</summary>
    public double Fps { get; init; } = 8;

    /// <summary>Frames of the global video view. Default 32.</summary>
    public int Frames { get; init; } = 32;

    /// <summary>Height and width of the global video view, pixels; the cache's short side must reach it. Default 112.</summary>
    public int FrameSize { get; init; } = 112;

    /// <summary>Spectrogram frames of the global audio view. Default 448: 4 s at 16 kHz and hop 143.</summary>
    public int AudioFrames { get; init; } = 448;

    /// <summary>Local video views. Default 1, in evaluation none.</summary>
    public int LocalVideoViews { get; init; } = 1;

    /// <summary>Frames of a local video view. Default 8.</summary>
    public int LocalFrames { get; init; } = 8;

    /// <summary>Height and width of a local video view, pixels. Default 96.</summary>
    public int LocalFrameSize { get; init; } = 96;

    /// <summary>Local audio views. Default 1, in evaluation none.</summary>
    public int LocalAudioViews { get; init; } = 1;

    /// <summary>Spectrogram frames of a local audio view. Default 112: 1 s.</summary>
    public int LocalAudioFrames { get; init; } = 112;

    /// <summary>What local views are cut out of. Default the global window.</summary>
    public LocalFrom LocalFrom { get; init; } = LocalFrom.Window;

    /// <summary>Sample rate, window, hop and bands of the spectrogram; the cache must hold the same.</summary>
    public LogMelOptions Mel { get; init; } = new();

    /// <summary>Spectrograms must be made of each window's own waveform, which the cache must hold. Default false: what the cache holds decides.</summary>
    public bool RequireWaveform { get; init; }

    /// <summary>Frames cached by another rule than <see cref="FrameRules.OnScreen"/> will do. Default false: such a cache is refused.</summary>
    public bool AnyFrameRule { get; init; }

    /// <summary>Mean of the log-mel, subtracted. Default null: the cache's own.</summary>
    public double? MelMean { get; init; }

    /// <summary>Standard deviation of the log-mel, divided by. Default null: the cache's own.</summary>
    public double? MelStd { get; init; }

    /// <summary>
    /// How the views are drawn; their numbers, sizes and normalisation follow this record's own. Null: no augmentation, views are
    /// cut at the centre and normalised. Default the released recipe, in evaluation null.
    /// </summary>
    public AugmentationOptions? Augmentation { get; init; } = new();

    /// <summary>Video tokens to draw masking noise for. Default 392, in evaluation none.</summary>
    public int VideoTokens { get; init; } = 392;

    /// <summary>Audio tokens to draw masking noise for. Default 560, in evaluation none.</summary>
    public int AudioTokens { get; init; } = 560;

    /// <summary>Samples augmented at once; 0: one per core. Default 0.</summary>
    public int Workers { get; init; }

    /// <summary>
    /// Samples read at once. Default 0: as many requests as an object store wants under way; of a disk as many as there are workers where reading decodes
    /// JPEGs, else one for every eight cores, from 2 to 16.
    /// </summary>
    public int Readers { get; init; }

    /// <summary>Cores that this process may use: what is 0 above follows them. Default the machine's.</summary>
    public int Cores { get; init; } = Environment.ProcessorCount;

    /// <summary>
    /// Bytes of payload queued and in flight: windows as read and batches as delivered, until they are disposed. Of a cache a quarter of
    /// them, at most 256 MiB (of JPEG 32 MiB), is for shards as the process sees them in the page cache, where they are mapped. Hold three batches at
    /// least, or the feed cannot work ahead: a batch larger than the budget is built alone. Default 0: 1 GiB, or more where so many batches as
    /// keep all workers busy (at least three) take more. In evaluation 1 GiB.
    /// </summary>
    public long MemoryBudget { get; init; }

    /// <summary>What a damaged row does. Default fail.</summary>
    public CorruptRowPolicy CorruptRows { get; init; } = CorruptRowPolicy.Fail;

    /// <summary>Clock, planted delays and trace; the budget in it is not used. See <see cref="PipelineGraphOptions"/>.</summary>
    public PipelineGraphOptions Diagnostics { get; init; } = new();

    /// <summary>Video views are delivered as levels 0 … 255, to be normalised where they are used.</summary>
    internal virtual bool AsLevels => false;

    /// <summary>The clips that are read; null: all.</summary>
    internal virtual IReadOnlyList<int>? Selected => null;

    internal int WorkersOrCores => Workers > 0 ? Workers : Cores;

    /// <summary>Frames read of each clip: local windows lie in the global one, or are read beside it.</summary>
    internal int FramesRead => Frames + (LocalFrom == LocalFrom.Window ? 0 : LocalVideoViews * LocalFrames);

    internal bool Video => Modalities.HasFlag(Modalities.Video);

    internal bool Audio => Modalities.HasFlag(Modalities.Audio);

    /// <summary>Frames and pixels of each video view, the global one first.</summary>
    internal (int Frames, int Size)[] VideoViews => Video ? [(Frames, FrameSize), .. Enumerable.Repeat((LocalFrames, LocalFrameSize), LocalVideoViews)] : [];

    /// <summary>Spectrogram frames of each audio view, the global one first.</summary>
    internal int[] AudioViews => Audio ? [AudioFrames, .. Enumerable.Repeat(LocalAudioFrames, LocalAudioViews)] : [];

    /// <summary>When which clip of a source is read.</summary>
    /// <exception cref="UsageException">The source has too few.</exception>
    internal abstract ISchedule Schedule(IClipSource source, WindowReader windows);

    /// <summary>What makes views of windows.</summary>
    internal virtual ISampleAugmenter Augmenter(double melMean, double melStd) =>
        Augmentation is { } recipe ? new RecipeAugmenter(recipe, this, melMean, melStd) : new CropAugmenter(TestCrops.Centre, melMean, melStd);

    /// <exception cref="UsageException">Options that cannot be; all of them are named.</exception>
    internal void Validate()
    {
        List<string> errors = [];
        Check((holds, error) => errors.AddRange(holds ? [] : [error]));
        if (errors.Count > 0)
        {
            throw new UsageException(string.Join("; ", errors));
        }
    }

    private protected virtual void Check(Action<bool, string> require)
    {
        require(Modalities is Modalities.Video or Modalities.Audio or Modalities.Both, $"modalities {Modalities}: choose video, audio or both");
        require(Fps > 0 && Frames >= 1 && FrameSize >= 1, $"fps {Fps}, {Frames} frames of {FrameSize} pixels: all must be positive");
        require(AudioFrames >= 1, $"{AudioFrames} audio frames: at least 1");
        require(
            LocalVideoViews >= 0 && LocalFrames >= 1 && LocalFrameSize >= 1,
            $"{LocalVideoViews} local video views of {LocalFrames} frames of {LocalFrameSize} pixels");
        require(LocalAudioViews >= 0 && LocalAudioFrames >= 1, $"{LocalAudioViews} local audio views of {LocalAudioFrames} frames");
        require(
            LocalFrom == LocalFrom.Clip || LocalVideoViews == 0 || LocalFrames <= Frames,
            $"local views of {LocalFrames} frames do not fit the global window of {Frames}: take at most that many");
        require(
            LocalFrom == LocalFrom.Clip || LocalAudioViews == 0 || LocalAudioFrames <= AudioFrames,
            $"local views of {LocalAudioFrames} audio frames do not fit the global window of {AudioFrames}: take at most that many");
        require(VideoTokens >= 0 && AudioTokens >= 0, $"{VideoTokens} video and {AudioTokens} audio tokens: not negative");
        require(MelStd is null or > 0, $"mel standard deviation {MelStd}: positive");
        require(Workers >= 0 && Readers >= 0, $"{Workers} workers, {Readers} readers: neither negative");
        require(MemoryBudget >= 0 && Cores >= 1, $"memory budget {MemoryBudget} bytes, {Cores} cores: at least 0 and 1");
    }
}
