namespace Xkd.Pipeline;

/// <summary>
/// A number of bytes that payload queued and in flight may take. Requests are served first come, first served, so a large one is
/// not starved by small ones; one larger than the whole budget passes alone. Thread-safe; waiting costs no thread.
/// </summary>
public sealed class ByteBudget
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Waiter> _waiters = new();
    private long _inFlight;
    private long _peak;

    /// <param name="capacity">Bytes, at least one.</param>
    public ByteBudget(long capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        Capacity = capacity;
    }

    /// <summary>Bytes that may be held at once.</summary>
    public long Capacity { get; }

    /// <summary>Bytes held now.</summary>
    public long InFlight
    {
        get
        {
            lock (_gate)
            {
                return _inFlight;
            }
        }
    }

    /// <summary>The most that was ever held.</summary>
    public long Peak
    {
        get
        {
            lock (_gate)
            {
                return _peak;
            }
        }
    }

    /// <summary>Waits until the bytes fit and takes them.</summary>
    /// <exception cref="OperationCanceledException">Cancelled while waiting; nothing was taken.</exception>
    public ValueTask AcquireAsync(long bytes, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        cancellationToken.ThrowIfCancellationRequested();
        Waiter waiter;
        lock (_gate)
        {
            if (bytes == 0 || (_waiters.Count == 0 && Fits(bytes)))
            {
                Take(bytes);
                return ValueTask.CompletedTask;
            }

            waiter = new Waiter(bytes);
            waiter.Node = _waiters.AddLast(waiter);
        }

        return WaitAsync(waiter, cancellationToken);
    }

    /// <summary>Returns bytes taken before.</summary>
    public void Release(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        if (bytes == 0)
        {
            return;
        }

        lock (_gate)
        {
            if (bytes > _inFlight)
            {
                throw new InvalidOperationException($"{bytes} bytes were released while {_inFlight} were held");
            }

            _inFlight -= bytes;
            Serve();
        }
    }

    /// <summary>Takes bytes without waiting: for payload that is already inside, which would otherwise wait for itself.</summary>
    internal void Overdraw(long bytes)
    {
        lock (_gate)
        {
            Take(bytes);
        }
    }

    private async ValueTask WaitAsync(Waiter waiter, CancellationToken cancellationToken)
    {
        await using var registration = cancellationToken.UnsafeRegister(
            static (state, token) =>
            {
                (var budget, var waiter) = ((ByteBudget, Waiter))state!;
                budget.Abandon(waiter, token);
            },
            (this, waiter));
        await waiter.Task;
    }

    private void Abandon(Waiter waiter, CancellationToken token)
    {
        lock (_gate)
        {
            if (waiter.Node is not { } node)
            {
                return; // served in the meantime: the bytes are the caller's
            }

            _waiters.Remove(node);
            waiter.Node = null;
            waiter.TrySetCanceled(token);
            Serve();
        }
    }

    private void Serve()
    {
        while (_waiters.First is { } first && Fits(first.Value.Bytes))
        {
            _waiters.RemoveFirst();
            first.Value.Node = null;
            Take(first.Value.Bytes);
            first.Value.TrySetResult();
        }
    }

    private bool Fits(long bytes) => bytes <= Capacity - _inFlight || _inFlight == 0;

    private void Take(long bytes)
    {
        _inFlight += bytes;
        _peak = Math.Max(_peak, _inFlight);
    }

    // Continuations run elsewhere: they must not run under the budget's lock.
    private sealed class Waiter(long bytes) : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public long Bytes { get; } = bytes;

        public LinkedListNode<Waiter>? Node { get; set; }
    }
}
