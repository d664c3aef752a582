using System.Buffers;

namespace Xkd.Ingest;

/// <summary>Arrays of a pool as a reader of pipes takes them.</summary>
internal sealed class PayloadMemory(ArrayPool<byte> arrays) : MemoryPool<byte>
{
    public override int MaxBufferSize => Array.MaxLength;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => new Lease(arrays, arrays.Rent(Math.Max(1, minBufferSize)));

    protected override void Dispose(bool disposing)
    {
        // The pool is another's.
    }

    private sealed class Lease(ArrayPool<byte> arrays, byte[] array) : IMemoryOwner<byte>
    {
        private byte[]? _array = array;

        public Memory<byte> Memory => _array;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _array, null) is { } rented)
            {
                arrays.Return(rented);
            }
        }
    }
}
