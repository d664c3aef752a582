namespace Xkd.Storage;

/// <summary>Bytes of a cache are not what was committed. Carries where, and both values.</summary>
public sealed class CorruptCacheException(string shard, long? row, string column, string expected, string got, Exception? innerException = null)
    : FailureException($"{shard}{(row is null ? "" : $", row {row}")}, column {column}: expected {expected}, got {got}: restore the file from a copy, or ingest again into an empty folder", innerException)
{
    /// <summary>Path below the cache folder.</summary>
    public string Shard { get; } = shard;

    /// <summary>Row in the shard; null when the damage is not within a row.</summary>
    public long? Row { get; } = row;

    public string Column { get; } = column;

    public string Expected { get; } = expected;

    public string Got { get; } = got;
}
