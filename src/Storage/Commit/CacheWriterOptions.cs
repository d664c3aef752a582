namespace Xkd.Storage;

/// <summary>How a <see cref="CacheWriter"/> lays out its shards.</summary>
public sealed record CacheWriterOptions
{
    internal const string OnlyPart = "main";
    internal const string EditPart = "edit";

    /// <summary>
    /// Name of this writer's share of the work; shards and ledger carry it. Processes that write one cache at the same time need one each.
    /// Letters, digits, <c>-</c> and <c>_</c>; default <c>main</c>.
    /// </summary>
    public string Part { get; init; } = OnlyPart;

    /// <summary>A shard is sealed once it holds this many bytes of payload; default 256 MiB.</summary>
    public long ShardBytes { get; init; } = 256L << 20;

    /// <summary>A shard is sealed once it holds this many rows, whose descriptions are held until then; default 512.</summary>
    public int ShardRows { get; init; } = 512;

    /// <summary>Rows of one row group; default 16. Readers such as DuckDB load a row group's column at once.</summary>
    public int RowGroupRows { get; init; } = 16;

    /// <summary>A row group is also closed once it holds this many bytes of payload, which bounds the writer's memory; default 32 MiB.</summary>
    public long RowGroupBytes { get; init; } = 32L << 20;

    /// <summary>Quality of frames a JPEG cache encodes on append, 1 to 100; default 90.</summary>
    public int JpegQuality { get; init; } = 90;

    /// <summary>What is being ingested, kept in the manifest; null adds nothing to it.</summary>
    public IngestOrigin? Origin { get; init; }

    /// <summary>The cache may be of schema 1, which this writer then replaces.</summary>
    internal bool Converting { get; init; }

    /// <summary>It brings the merged ledger up to date when it closes. One of several parts leaves a large one to <c>ingest --merge</c>: each writing all of it would cost the square of their number.</summary>
    internal bool MergesLedger => Part is OnlyPart or EditPart or CacheMerger.Part;
}
