using System.Buffers;
using System.Runtime.InteropServices;

namespace Xkd.Model.Weights;

/// <summary>The bytes of an array of numbers, without copying them.</summary>
internal sealed class ArrayBytes<T>(T[] values) : MemoryManager<byte>
    where T : unmanaged
{
    public override Span<byte> GetSpan() => MemoryMarshal.AsBytes(values.AsSpan());

    public override unsafe MemoryHandle Pin(int elementIndex = 0)
    {
        var handle = GCHandle.Alloc(values, GCHandleType.Pinned);
        return new MemoryHandle((byte*)handle.AddrOfPinnedObject() + elementIndex, handle, this);
    }

    public override void Unpin()
    {
        // The handle given out by Pin frees itself.
    }

    protected override void Dispose(bool disposing)
    {
        // The array belongs to the garbage collector.
    }
}
