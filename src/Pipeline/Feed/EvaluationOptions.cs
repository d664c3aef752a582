using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>What the evaluation feed cuts from a cache and how it runs.</summary>
public sealed record EvaluationOptions
{
    /// <summary>Windows per batch; the last batch holds what is left. Default 32.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>Which modalities are delivered. Default video.</summary>
    public Modalities Modalities { get; init; } = Modalities.Video;

    /// <summary>Windows per clip, evenly spaced from its beginning to its end; one is centred. With augmentation they begin anywhere. Default 1.</summary>
    public int Windows { get; init; } = 1;

    /// <summary>Spatial views of each window; without video, and with augmentation, there is one. Default the centre.</summary>
    public TestCrops Crops { get; init; } = TestCrops.Centre;

    /// <summary>How windows are augmented; null (the default) not at all.</summary>
    public AugmentationOptions? Augmentation { get; init; }

    /// <summary>Random augmentation of frames in training; null (the default): none.</summary>
    public RandAugmentOptions? RandAugment { get; init; }

    /// <summary>Random erasing of frames in training; null (the default): none.</summary>
    public RandomErasingOptions? Erasing { get; init; }

    /// <summary>Seed of random windows, augmentation and order. Default 0.</summary>
    public ulong Seed { get; init; }

    /// <summary>Indices of the clips to read, in this order; null (the default) reads all.</summary>
    public IReadOnlyList<int>? Clips { get; init; }

    /// <summary>Frames a second the cache must hold. Default 8.</summary>
    public double Fps { get; init; } = 8;

    /// <summary>Frames of a window. Default 32.</summary>
    public int Frames { get; init; } = 32;

    /// <summary>Height and width of the views, pixels; the cache's short side must reach it. Default 112.</summary>
    public int FrameSize { get; init; } = 112;

    /// <summary>Spectrogram frames of a window. Default 448.</summary>
    public int AudioFrames { get; init; } = 448;

    /// <summary>Sample rate, window, hop and bands of the spectrogram; the cache must hold the same.</summary>
    public LogMelOptions Mel { get; init; } = new();

    /// <summary>Frames cached by another rule than <see cref="FrameRules.OnScreen"/> will do. Default false: such a cache is refused.</summary>
    public bool AnyFrameRule { get; init; }

    /// <summary>Mean of the log-mel, subtracted. Default null: the cache's own.</summary>
    public double? MelMean { get; init; }

    /// <summary>Standard deviation of the log-mel, divided by. Default null: the cache's own.</summary>
    public double? MelStd { get; init; }

    /// <summary>Windows prepared at once; 0: one per core. Default 0.</summary>
    public int Workers { get; init; }

    /// <summary>Bytes of payload queued and in flight. Default 1 GiB.</summary>
    public long MemoryBudget { get; init; } = 1L << 30;

    /// <summary>Clock, planted delays and trace; the budget in it is not used.</summary>
    public PipelineGraphOptions Diagnostics { get; init; } = new();

    /// <summary>Rows of one clip: windows times crops.</summary>
    public int RowsPerClip => Windows * CropsPerWindow;

    internal int CropsPerWindow => Crops == TestCrops.Three && Augmentation is null && Modalities.HasFlag(Modalities.Video) ? ThreeCropAugmenter.Crops : 1;

    /// <summary>The same views as a training feed without local ones.</summary>
    internal FeedOptions AsFeed() => new()
    {
        Seed = Seed,
        BatchSize = BatchSize,
        Modalities = Modalities,
        Fps = Fps,
        Frames = Frames,
        FrameSize = FrameSize,
        AudioFrames = AudioFrames,
        LocalVideoViews = 0,
        LocalAudioViews = 0,
        Mel = Mel,
        MelMean = MelMean,
        MelStd = MelStd,
        VideoTokens = 0,
        AudioTokens = 0,
        Workers = Workers,
        MemoryBudget = MemoryBudget,
        Diagnostics = Diagnostics,
    };

    /// <summary>What makes views of raw windows.</summary>
    internal ISampleAugmenter Augmenter(FeedOptions feed, double melMean, double melStd) => (Augmentation, Crops) switch
    {
        ({ } recipe, _) when RandAugment is not null || Erasing is not null => new FineTuneAugmenter(recipe, RandAugment, Erasing, feed, melMean, melStd),
        ({ } recipe, _) => new RecipeAugmenter(recipe, feed, melMean, melStd),
        (_, TestCrops.Three) when CropsPerWindow > 1 => new ThreeCropAugmenter(melMean, melStd),
        (_, TestCrops.ReleasedThree) => new ReleasedCropAugmenter(melMean, melStd),
        _ => new CenterCropAugmenter(melMean, melStd),
    };

    internal void Validate()
    {
        AsFeed().Validate();
        if (BatchSize < 1 || Windows < 1)
        {
            throw new UsageException($"batch size {BatchSize} and {Windows} windows a clip: both at least 1");
        }
    }
}
