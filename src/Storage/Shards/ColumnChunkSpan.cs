namespace Xkd.Storage;

/// <summary>Where one column of one row group lies in its shard.</summary>
/// <param name="Column">Column name.</param>
/// <param name="Begin">First byte, page header included.</param>
/// <param name="Bytes">Page header and page.</param>
internal readonly record struct ColumnChunkSpan(string Column, long Begin, long Bytes)
{
    public long End => Begin + Bytes;
}
