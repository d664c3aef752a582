using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>One ingest run: every flag of the command and its default.</summary>
public sealed record IngestOptions
{
    /// <summary>The dataset's name, one of <see cref="DatasetRegistry.Names"/>.</summary>
    public string Dataset { get; init; } = "folder";

    /// <summary>The dataset's folder.</summary>
    public required string Root { get; init; }

    /// <summary>Items that were listed elsewhere, such as by <see cref="ClipPaths"/>, in place of the dataset's; null lists the dataset.</summary>
    public IReadOnlyList<SourceItem>? Items { get; init; }

    /// <summary>The cache folder, created when absent.</summary>
    public required string Out { get; init; }

    /// <summary>Only this split; null is every split.</summary>
    public string? Split { get; init; }

    /// <summary>The annotation file or folder; null looks where the dataset's archive puts it.</summary>
    public string? Annotations { get; init; }

    /// <summary>In a folder without lists, documents, pictures and the like are items too, which fail; false leaves them out.</summary>
    public bool Strict { get; init; }

    /// <summary>How frames are cached: "raw" (default) or "jpeg".</summary>
    public string Frames { get; init; } = "raw";

    /// <summary>How audio is cached: "mel" (default, float16) or "pcm".</summary>
    public string Audio { get; init; } = "mel";

    /// <summary>Short side of the cached frames in pixels; 112.</summary>
    public int ShortSide { get; init; } = 112;

    /// <summary>Cached frames per second; 8.</summary>
    public double Fps { get; init; } = 8;

    /// <summary>Sources longer than this many seconds are cut into segments `id#k`; 60.</summary>
    public double MaxClip { get; init; } = 60;

    /// <summary>Sources shorter than this many seconds fail as too-short; 0.25 (two frames, and more than half an FFT window).</summary>
    public double MinClip { get; init; } = 0.25;

    /// <summary>The log-mel implementation: "simd" (default) or "nwaves", one of <see cref="MelBackends.Names"/>.</summary>
    public string Mel { get; init; } = "simd";

    /// <summary>What is decoded; <see cref="Modalities.Auto"/> asks the dataset.</summary>
    public Modalities Modalities { get; init; }

    /// <summary>What becomes of sources that lack a modality, and of segments that do; they fail, and are left out.</summary>
    public MissingPolicy OnMissing { get; init; }

    /// <summary>Sources decoded at a time; 0 (default) is one per core.</summary>
    public int Workers { get; init; }

    /// <summary>Decoded payload queued and in flight, in bytes; null (default) is 1 GiB, or 26 MB a worker if that is more (at the default size and rate).</summary>
    public long? MemoryBudget { get; init; }

    /// <summary>Seconds one source may take to probe and decode; 600.</summary>
    public double ItemTimeout { get; init; } = 600;

    /// <summary>Pixels a source's picture has at most; 36 million, above 8K. Larger ones fail as too-large before they are decoded.</summary>
    public long MaxPixels { get; init; } = 36_000_000;

    /// <summary>A picture's long side is at most so many times its short one, which the cached frames keep; 32.</summary>
    public double MaxAspect { get; init; } = 32;

    /// <summary>Bytes of one source's decoded frames and samples; 16 GiB, which is eight hours of 16:9 at the default size and rate.</summary>
    public long MaxDecoded { get; init; } = 16L << 30;

    /// <summary>This process's part of the items, counted from 1, of <see cref="Partitions"/>; 1.</summary>
    public int Partition { get; init; } = 1;

    /// <summary>How many processes share the items; 1.</summary>
    public int Partitions { get; init; } = 1;

    /// <summary>Redo the items that failed in earlier runs; false.</summary>
    public bool RetryFailed { get; init; }

    /// <summary>What becomes of items whose file has changed or moved since they were ingested; the cached clips stay.</summary>
    public ChangedPolicy Changed { get; init; }

    /// <summary>What becomes of the clips of items whose file is gone; they stay.</summary>
    public GonePolicy Gone { get; init; }

    /// <summary>Seconds between commits; 30, or twenty times what a commit takes if that is longer. A commit also comes when a shard is full and at the end.</summary>
    public double CommitInterval { get; init; } = 30;

    /// <summary>Seconds between progress reports; 1.</summary>
    public double ProgressInterval { get; init; } = 1;

    /// <summary>Delays injected per stage (catalog, decode, mel, write), to show that the profiler names the right one; none.</summary>
    public IReadOnlyDictionary<string, TimeSpan> StageDelays { get; init; } = new Dictionary<string, TimeSpan>(StringComparer.Ordinal);

    /// <summary>Stage spans kept for a trace, oldest dropped first; 0: none.</summary>
    public int TraceCapacity { get; init; }

    /// <summary>
    /// These options with media prepared as that of another cache, so that a network made for the one can be given the other: frames a second, short side in
    /// pixels, how frames and sound are cached, and the log-mel implementation.
    /// </summary>
    /// <param name="media">How the other was prepared: the fingerprint in its manifest, which a kept classifier has of its clips, too.</param>
    public IngestOptions PreparedAs(Fingerprint media)
    {
        ArgumentNullException.ThrowIfNull(media);
        return this with
        {
            Fps = media.Fps, ShortSide = media.ShortSide, Frames = media.FramesCodec, Audio = media.AudioCodec, Mel = media.MelBackend,
        };
    }
}
