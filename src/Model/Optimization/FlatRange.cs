namespace Xkd.Model.Optimization;

/// <summary>A contiguous range of the flat buffers.</summary>
internal readonly record struct FlatRange(long Offset, long Length)
{
    public long End => Offset + Length;

    public static FlatRange Between(long start, long end) => new(start, end - start);

    /// <summary>Whether a parameter at this offset lies in the range.</summary>
    public bool Holds(long offset) => offset >= Offset && offset < End;
}
