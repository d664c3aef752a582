namespace Xkd.Pipeline.Tests;

/// <summary>An item with a size, that knows how many of its kind are alive.</summary>
internal sealed class Payload : IPayload, IDisposable
{
    private readonly StrongBox _alive;
    private int _disposed;

    public Payload(int id, long bytes, StrongBox alive)
    {
        (Id, Bytes, _alive) = (id, bytes, alive);
        Interlocked.Increment(ref alive.Value);
    }

    public int Id { get; }

    public long Bytes { get; }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            Interlocked.Decrement(ref _alive.Value);
        }
    }

    internal sealed class StrongBox
    {
        public int Value;
    }
}
