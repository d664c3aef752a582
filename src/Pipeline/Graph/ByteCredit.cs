namespace Xkd.Pipeline;

/// <summary>Bytes held from a <see cref="ByteBudget"/>. Disposing returns what is left, once. Thread-safe.</summary>
public sealed class ByteCredit(ByteBudget budget, long bytes) : IDisposable
{
    private long _bytes = bytes;

    /// <summary>Bytes still held.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Returns part of the credit early, when part of the payload is gone. Asking for more than is held returns all.</summary>
    public void Return(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        var held = Interlocked.Read(ref _bytes);
        while (true)
        {
            var part = Math.Min(held, bytes);
            var seen = Interlocked.CompareExchange(ref _bytes, held - part, held);
            if (seen == held)
            {
                budget.Release(part);
                return;
            }

            held = seen;
        }
    }

    public void Dispose() => budget.Release(Interlocked.Exchange(ref _bytes, 0));

    /// <summary>Follows the payload's size: returns what it shrank by, overdraws what it grew by.</summary>
    internal void Resize(long bytes)
    {
        var change = bytes - Interlocked.Exchange(ref _bytes, bytes);
        if (change > 0)
        {
            budget.Overdraw(change);
        }
        else
        {
            budget.Release(-change);
        }
    }
}
