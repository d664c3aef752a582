namespace Xkd.Model.Optimization;

/// <summary>A contiguous range of the flat buffers.</summary>
internal readonly record struct FlatRange(long Offset, long Length)
{
    public long End => Offset + Length;

    public static FlatRange Between(long start, long end) => new(start, end - start);
}
