using System.Buffers;

namespace Xkd.Ingest;

/// <summary>
/// The arrays of one run: it keeps a bounded number of them, none of them large. The shared pool would keep, for each thread anew and for minutes, every array that
/// one long source has grown through: several times its bytes.
/// </summary>
/// <param name="arrays">Arrays of each power of two that are kept at most.</param>
/// <typeparam name="T">What they hold.</typeparam>
internal sealed class PayloadPool<T>(int arrays) : ArrayPool<T>
    where T : unmanaged
{
    private volatile ArrayPool<T> _kept = Create(Most, arrays);

    /// <summary>Values of an array that is kept, at most: 8 MiB, enough for ten seconds of 16:9 at the default size and rate. Larger ones are the collector's.</summary>
    public static unsafe int Most => (8 << 20) / sizeof(T);

    public override T[] Rent(int minimumLength) => minimumLength <= Most ? _kept.Rent(minimumLength) : GC.AllocateUninitializedArray<T>(minimumLength);

    public override void Return(T[] array, bool clearArray = false)
    {
        if (array.Length <= Most)
        {
            _kept.Return(array, clearArray);
        }
    }

    /// <summary>Keeps none of them any longer.</summary>
    public void Clear() => _kept = Create(Most, arrays);
}
