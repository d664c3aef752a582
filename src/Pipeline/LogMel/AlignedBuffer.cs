namespace Xkd.Pipeline;

/// <summary>A buffer that never moves and starts on a cache line, so that a vector never straddles two. Freed by the collector.</summary>
internal sealed unsafe class AlignedBuffer<T>
    where T : unmanaged
{
    private const int Alignment = 64;
    private readonly T[] _array;

    public AlignedBuffer(int length)
    {
        _array = GC.AllocateArray<T>(length + Alignment / sizeof(T), pinned: true);
        fixed (T* start = _array)
        {
            Pointer = (T*)(((nint)start + Alignment - 1) & -Alignment);
        }
        Length = length;
    }

    public T* Pointer { get; }

    public int Length { get; }

    public Span<T> Span => new(Pointer, Length);

    /// <summary>A buffer at least that long: the given one, or a new one in its place. Contents are not kept.</summary>
    public static AlignedBuffer<T> AtLeast(AlignedBuffer<T>? buffer, int length) => buffer is not null && buffer.Length >= length ? buffer : new AlignedBuffer<T>(length);
}
