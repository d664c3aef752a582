using System.Text.Json.Serialization;

namespace Xkd.Storage;

/// <summary>
/// One immutable version of a cache, <c>manifest/NNNNNN.json</c>. It is put in place only when absent, after everything it names is on disk. It names a few segments, not rows: a commit costs
/// the same however large the cache is.
/// </summary>
public sealed record Manifest
{
    /// <summary>The schema number this program writes and reads.</summary>
    public const int CurrentSchema = 2;

    public required int Version { get; init; }

    [JsonRequired]
    public int Schema { get; init; } = CurrentSchema;

    /// <summary>The version this one grew from; null for the first.</summary>
    public int? Parent { get; init; }

    /// <summary>UTC, ISO 8601.</summary>
    public required string Created { get; init; }

    public required Fingerprint Fingerprint { get; init; }

    /// <summary>Clips that are there, without those that were removed.</summary>
    [JsonRequired]
    public int Clips { get; init; }

    /// <summary>Of the clips that are there.</summary>
    [JsonRequired]
    public MelStatistics Mel { get; init; } = new();

    /// <summary>The checksum of frames and values: XXH3, 64 bits.</summary>
    public string Checksum { get; init; } = "xxh3";

    /// <summary>What was ingested, each once, in the order of the first commit of each.</summary>
    public IReadOnlyList<IngestOrigin> Origins { get; init; } = [];

    /// <summary>What the commits added, oldest first; many small ones are merged into one now and then.</summary>
    [JsonRequired]
    public IReadOnlyList<Segment> Segments { get; init; } = [];

    /// <summary>Lists of clips that were removed, oldest first.</summary>
    public IReadOnlyList<Removal> Removals { get; init; } = [];

    /// <summary>Files of values that were added to the clips later, oldest first: of one column the last holds.</summary>
    public IReadOnlyList<AddedColumns> Columns { get; init; } = [];

    /// <summary>The lowest version that is still there: vacuum removed those before.</summary>
    public int Oldest { get; init; } = 1;

    /// <summary>The writers, each with the highest number in the names of its files.</summary>
    [JsonRequired]
    public IReadOnlyList<Part> Parts { get; init; } = [];

    /// <summary>
    /// The data shards where no segment is merged yet: a small cache shows them at a glance. They are those of the index files.
    /// Null in a large cache, whose manifests stay small.
    /// </summary>
    [JsonPropertyName("shards")]
    public IReadOnlyList<ShardEntry>? Listed { get; init; }

    /// <summary>The data shards of all segments, in their order. They stand in the segments' index files.</summary>
    [JsonIgnore]
    public IReadOnlyList<ShardEntry> Shards { get; init; } = [];

    /// <summary>The files that this version consists of, beside the shards.</summary>
    internal IEnumerable<StoredPart> Files => Segments.SelectMany(s => new[] { s.Index, s.Ledger }).OfType<StoredPart>().Concat(Removals.Select(r => r.Ids)).Concat(Columns.Select(c => c.File));
}

/// <summary>A file of the cache as its manifest knows it: complete and synced before it was named.</summary>
/// <param name="Path">Path below the cache folder, with <c>/</c>.</param>
/// <param name="Bytes">Size of the file.</param>
/// <param name="Sha256">SHA-256 of the file, lower-case hex.</param>
public sealed record StoredPart(string Path, long Bytes, string Sha256);

/// <summary>What one commit, or several merged, added.</summary>
public sealed record Segment
{
    /// <summary>One row a clip (<see cref="ClipEntry"/>), and in its footer the shards; null where no clip was added.</summary>
    public StoredPart? Index { get; init; }

    /// <summary>Rows of the index.</summary>
    [JsonRequired]
    public int Rows { get; init; }

    /// <summary>One line a source item (<see cref="LedgerEntry"/>); null where none was.</summary>
    public StoredPart? Ledger { get; init; }

    /// <summary>The removals up to this version have been applied to it.</summary>
    [JsonRequired]
    public int Version { get; init; }

    /// <summary>How often it was merged: 0 as committed.</summary>
    public int Level { get; init; }
}

/// <summary>Clips that were removed.</summary>
public sealed record Removal
{
    /// <summary>A Parquet file with a column <c>id</c>, of clips or of source items.</summary>
    public required StoredPart Ids { get; init; }

    /// <summary>It concerns what versions before this one added.</summary>
    [JsonRequired]
    public int Version { get; init; }
}

/// <summary>Values that were added to the clips.</summary>
/// <param name="File">A Parquet file with a column <c>id</c> and those of <paramref name="Names"/>.</param>
/// <param name="Names">The columns.</param>
public sealed record AddedColumns(StoredPart File, IReadOnlyList<string> Names);

/// <summary>One writer of the cache, a process's share of the work.</summary>
/// <param name="Name">As in <see cref="CacheWriterOptions.Part"/>.</param>
/// <param name="Number">The highest number of its committed files: what has a higher one was left by a writer that died.</param>
public sealed record Part(string Name, int Number);

/// <summary>One Parquet file of payload: complete, synced and verified before it was listed.</summary>
public sealed record ShardEntry
{
    /// <summary>Path below the cache folder, with <c>/</c>.</summary>
    public required string Path { get; init; }

    /// <summary>Rows of the file; more than the index has of it where clips were removed.</summary>
    public required int Rows { get; init; }

    /// <summary>Size of the file in bytes.</summary>
    public required long Bytes { get; init; }

    /// <summary>SHA-256 of the file, lower-case hex.</summary>
    public required string Sha256 { get; init; }
}
