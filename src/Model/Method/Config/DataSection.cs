using Xkd.Pipeline;

namespace Xkd.Model.Method;

/// <summary>What is cut from the cache: one global view of each modality and any number of local ones.</summary>
public sealed record DataSection
{
    /// <summary>
    /// The caches that are trained on, where no <c>--data</c> names them: folders or s3://bucket/prefix, each alone or as CACHE@WEIGHT. Without a weight an epoch visits every clip of all of them; with
    /// weights it draws from each by its own. Default none.
    /// </summary>
    public string[] Caches { get; init; } = [];

    /// <summary>Conditions that a clip must meet, as in <c>--where</c>: [split=train, "label=cat,dog", "duration>=4"]. Default none.</summary>
    public string[] Where { get; init; } = [];

    /// <summary>A file of the ids that are trained on: one a line, or a Parquet file with a column id. Default all.</summary>
    public string Ids { get; init; } = "";

    /// <summary>Frames per second of the views, which is what the cache must hold. Default 8.</summary>
    [Within(0, 1000, Above = true)]
    public double Fps { get; init; } = 8;

    /// <summary>Which rule the cached frames must have been made by; any takes caches of older versions, too. Default on_screen.</summary>
    public FrameRule FrameRule { get; init; } = FrameRule.OnScreen;

    /// <summary>Frames of the global video view. Default 32: 4 s at 8 fps.</summary>
    [Within(1, 4096)]
    public int GlobalFrames { get; init; } = 32;

    /// <summary>Height and width of the global video view, pixels. Default 112.</summary>
    [Within(1, 4096)]
    public int GlobalSize { get; init; } = 112;

    /// <summary>Spectrogram frames of the global audio view. Default 448: 4 s at 16 kHz and hop 143.</summary>
    [Within(1, 100_000)]
    public int GlobalMelFrames { get; init; } = 448;

    /// <summary>Mel bands. Default 80.</summary>
    [Within(1, 1024)]
    public int Mels { get; init; } = 80;

    /// <summary>Local video views. Default 1 (the MAS and MATS recipes use 3).</summary>
    [Within(0, 64)]
    public int LocalVideoViews { get; init; } = 1;

    /// <summary>Frames of a local video view. Default 8.</summary>
    [Within(0, 4096)]
    public int LocalFrames { get; init; } = 8;

    /// <summary>Height and width of a local video view, pixels. Default 96.</summary>
    [Within(0, 4096)]
    public int LocalSize { get; init; } = 96;

    /// <summary>Local audio views. Default 1.</summary>
    [Within(0, 64)]
    public int LocalAudioViews { get; init; } = 1;

    /// <summary>Spectrogram frames of a local audio view. Default 112: 1 s.</summary>
    [Within(0, 100_000)]
    public int LocalMelFrames { get; init; } = 112;

    /// <summary>What local views are cut out of: the global window of their modality, or the whole clip. Default window.</summary>
    public LocalFrom LocalFrom { get; init; } = LocalFrom.Window;

    /// <summary>Which mean and standard deviation normalise the log-mel: the cache's own, or those the released weights expect. Default cache.</summary>
    public MelNormalization MelNormalization { get; init; } = MelNormalization.Cache;

    /// <summary>What the spectrograms are cut from: whatever the cache holds, or each window's own waveform, which takes a cache of <c>--audio pcm</c>. Default any.</summary>
    public SpectrogramSource Spectrogram { get; init; } = SpectrogramSource.Any;

    /// <summary>
    /// What an epoch visits once: every clip of the cache, or every video. Sources longer than <c>--max-clip</c> lie in the cache as several clips;
    /// <c>per_video</c> draws one window of all of them, which may begin in one and end in the next. Default per_clip.
    /// </summary>
    public SampleUnit Sample { get; init; } = SampleUnit.PerClip;

    /// <summary>
    /// How an epoch's order is drawn. <c>block</c>, for caches on disks that are slow to seek, permutes blocks of clips that lie together in the
    /// shards, then the clips within a window of blocks. Default uniform.
    /// </summary>
    public ClipOrderKind Order { get; init; } = ClipOrderKind.Uniform;

    /// <summary>Clips in a block of the block order. Default 16.</summary>
    [Within(1, 1_000_000)]
    public int OrderBlock { get; init; } = 16;

    /// <summary>Blocks in a window of the block order. Default 128: with blocks of 16, 2048 clips.</summary>
    [Within(1, 1_000_000)]
    public int OrderWindow { get; init; } = 128;

    /// <summary>Reading and augmentation workers; 0: one per core, less the training thread. Default 0.</summary>
    [Within(0, 1024)]
    public int Workers { get; init; }

    /// <summary>
    /// Samples read at once; 0: as many requests as an object store wants under way; of a disk as many as there are workers where frames are JPEG, else one
    /// for every eight cores, from 2 to 16. Default 0.
    /// </summary>
    [Within(0, 1024)]
    public int Readers { get; init; }

    /// <summary>
    /// Bytes of payload queued and in flight between cache and trainer; room for less than three
    /// batches is refused. 0: 1 GiB, or more where as many batches as keep all workers busy, at least three, take more. Default 0.
    /// </summary>
    [Within(0, 1L << 50)]
    public long PrefetchBytes { get; init; }

    /// <summary>A damaged row met in training ends the run, or is left out and counted; it is never replaced silently. Default fail.</summary>
    public CorruptRowPolicy OnCorrupt { get; init; } = CorruptRowPolicy.Fail;
}

/// <summary>Which rule the frames of a cache must have been made by.</summary>
public enum FrameRule
{
    /// <summary>The frame on screen, as the released code takes it; what <c>ingest</c> caches.</summary>
    OnScreen,

    /// <summary>That of the cache, whichever it is: older ones hold the nearest frame.</summary>
    Any,
}

/// <summary>Where the log-mel's mean and standard deviation come from.</summary>
public enum MelNormalization
{
    /// <summary>The statistics in the cache's manifest.</summary>
    Cache,

    /// <summary>−5.3688107 and 4.410007, which the released weights were trained with.</summary>
    Released,
}

/// <summary>What the spectrograms of the views are cut from.</summary>
public enum SpectrogramSource
{
    /// <summary>What the cache holds: its log-mel of whole clips, or its waveforms.</summary>
    Any,

    /// <summary>The waveform of each window, cut, changed in volume and mirrored at its edges, as the released code does; the cache must be one of <c>--audio pcm</c>.</summary>
    PerWindow,
}
