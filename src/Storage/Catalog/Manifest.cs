using System.Text.Json.Serialization;

namespace Xkd.Storage;

/// <summary>
/// One immutable version of a cache, <c>manifest/NNNNNN.json</c>. It is put in place only when absent, after everything it names is on disk.
/// </summary>
public sealed record Manifest
{
    /// <summary>The schema number this program writes and reads.</summary>
    public const int CurrentSchema = 1;

    public required int Version { get; init; }

    [JsonRequired]
    public int Schema { get; init; } = CurrentSchema;

    /// <summary>The version this one grew from; null for the first.</summary>
    public int? Parent { get; init; }

    /// <summary>UTC, ISO 8601.</summary>
    public required string Created { get; init; }

    public required Fingerprint Fingerprint { get; init; }

    /// <summary>Rows over all shards.</summary>
    [JsonRequired]
    public int Clips { get; init; }

    [JsonRequired]
    public MelStatistics Mel { get; init; } = new();

    /// <summary>The checksum of the columns <c>frame_crc, mel_crc, pcm_crc, crc</c>: CRC-32C (Castagnoli, as in iSCSI).</summary>
    public string Checksum { get; init; } = "crc32c";

    /// <summary>What was ingested, each once, in the order of the first commit of each. Empty in manifests of before this was kept.</summary>
    public IReadOnlyList<IngestOrigin> Origins { get; init; } = [];

    [JsonRequired]
    public IReadOnlyList<ShardEntry> Shards { get; init; } = [];

    /// <summary>How much of each part's ledger this version covers.</summary>
    [JsonRequired]
    public IReadOnlyList<LedgerPart> Ledger { get; init; } = [];
}
