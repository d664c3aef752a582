using System.Text.Json.Serialization;

namespace Xkd.Storage;

/// <summary>One line of the ledger: what became of one source item. A long source cut into segments is still one item.</summary>
public sealed record LedgerEntry
{
    /// <summary>The item's id; its clips have the same id, or the id and <c>#k</c>.</summary>
    public required string Id { get; init; }

    /// <summary>Where the media came from.</summary>
    public string Source { get; init; } = "";

    public required ItemState State { get; init; }

    /// <summary>catalog, probe, decode, mel or write; null when committed.</summary>
    public string? Stage { get; init; }

    /// <summary>
    /// absent, unreadable, empty, not-media, truncated, corrupt, no-video, no-audio, no-frames, timeout, too-short, too-large or io; of a removed item moved or
    /// gone, where its file was; null when committed.
    /// </summary>
    public string? Reason { get; init; }

    public string? Detail { get; init; }

    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>How often the item was tried, this time included.</summary>
    public int Attempts { get; init; } = 1;

    /// <summary>Size of the source in bytes when it was read; null where that is not known.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Bytes { get; init; }

    /// <summary>When the source was last written before it was read, seconds since 1970; null where that is not known.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Mtime { get; init; }
}
