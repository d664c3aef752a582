namespace Xkd.Pipeline;

/// <summary>Working memory shared by the threads that use one kernel: as many scratches exist as calls ever ran at once, and none is made after that.</summary>
internal sealed class ScratchPool<T>(Func<T> create)
    where T : class
{
    private readonly Lock _gate = new();
    private readonly Stack<T> _free = new();

    public T Rent()
    {
        lock (_gate)
        {
            if (_free.TryPop(out var scratch))
            {
                return scratch;
            }
        }
        return create();
    }

    public void Return(T scratch)
    {
        lock (_gate)
        {
            _free.Push(scratch);
        }
    }
}
