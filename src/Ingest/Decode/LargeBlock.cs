using System.Buffers;
using System.Runtime.InteropServices;

namespace Xkd.Ingest;

/// <summary>
/// Memory of a long source, outside the collector's heap: what is not written to takes none, so that it need not grow by copies; and the system has it back at once.
/// (malloc maps what is above 32 MiB by itself.)
/// </summary>
internal sealed unsafe class LargeBlock(int length) : MemoryManager<byte>
{
    private void* _start = NativeMemory.Alloc((nuint)length);

    public override Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf(_start is null, this);
        return new Span<byte>(_start, length);
    }

    public override MemoryHandle Pin(int elementIndex = 0) => new((byte*)_start + elementIndex);

    public override void Unpin()
    {
        // It never moves.
    }

    public void Free()
    {
        NativeMemory.Free(_start);
        _start = null;
    }

    protected override void Dispose(bool disposing) => Free();
}
