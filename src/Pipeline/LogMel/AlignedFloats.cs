namespace Xkd.Pipeline;

/// <summary>A float buffer that never moves and starts on a cache line, so that a vector never straddles two. Freed by the collector.</summary>
internal sealed unsafe class AlignedFloats
{
    private const int Alignment = 64;
    private readonly float[] _array;

    public AlignedFloats(int length)
    {
        _array = GC.AllocateArray<float>(length + Alignment / sizeof(float), pinned: true);
        fixed (float* start = _array)
        {
            Pointer = (float*)(((nint)start + Alignment - 1) & -Alignment);
        }
        Length = length;
    }

    public float* Pointer { get; }

    public int Length { get; }

    public Span<float> Span => new(Pointer, Length);
}
