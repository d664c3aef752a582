using System.Text.Json.Serialization;

namespace Xkd.Storage;

/// <summary>One Parquet file of the cache as its manifest knows it: complete, synced and verified before it was listed.</summary>
public sealed record ShardEntry
{
    /// <summary>Path below the cache folder, with <c>/</c>.</summary>
    public required string Path { get; init; }

    public required int Rows { get; init; }

    /// <summary>Size of the file in bytes.</summary>
    public required long Bytes { get; init; }

    /// <summary>SHA-256 of the file, lower-case hex.</summary>
    public required string Sha256 { get; init; }

    /// <summary>SHA-256 of the row ids in row order, each followed by a line feed; lower-case hex.</summary>
    public required string IdsSha256 { get; init; }

    /// <summary>Where the rows' payload ends and the row index, then the Parquet footer, begin.</summary>
    [JsonRequired]
    public long FooterOffset { get; init; }

    /// <summary>CRC-32C of the bytes from <see cref="FooterOffset"/> to the end of the file.</summary>
    [JsonRequired]
    public uint FooterCrc { get; init; }

    /// <summary>Byte offset in the file of each row's <c>frames</c> value.</summary>
    public required long[] Offsets { get; init; }

    /// <summary>Byte offset in the file of each row's <c>mel</c> value.</summary>
    public required long[] MelOffsets { get; init; }
}
