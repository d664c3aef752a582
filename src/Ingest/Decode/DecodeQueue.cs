namespace Xkd.Ingest;

/// <summary>
/// Sources that wait for a decoder: a process that becomes free takes several short ones at once. How many follows from what waits, so
/// that the processes share it evenly and a source that comes alone does not wait for company. Thread-safe.
/// </summary>
internal sealed class DecodeQueue
{
    private readonly MediaDecoder _decoder;
    private readonly int _processes;
    private readonly int _filesEach;
    private readonly Lock _gate = new();
    private readonly Queue<Waiting> _waiting = new();
    private int _running;
    private int _most;

    /// <param name="decoder">Decodes.</param>
    /// <param name="processes">Processes at a time.</param>
    /// <param name="filesEach">Sources a process takes at most; 1 decodes each alone.</param>
    public DecodeQueue(MediaDecoder decoder, int processes, int filesEach)
    {
        (_decoder, _processes, _filesEach) = (decoder, processes, filesEach);
        _most = filesEach;
    }

    /// <summary>Decodes a source when its turn comes.</summary>
    /// <param name="item">The source.</param>
    /// <param name="together">It is short enough to share a process.</param>
    /// <param name="cancellationToken">The run's; the same for every source.</param>
    public Task<DecodeOutcome> DecodeAsync(SourceItem item, bool together, CancellationToken cancellationToken)
    {
        var waiting = new Waiting(item, together, cancellationToken);
        lock (_gate)
        {
            _waiting.Enqueue(waiting);
            if (_running == _processes)
            {
                return waiting.Task;
            }

            _running++;
        }

        _ = Task.Run(WorkAsync, CancellationToken.None); // ends by itself, and what fails in it fails the sources it has taken
        return waiting.Task;
    }

    private async Task WorkAsync()
    {
        while (Take() is { Count: > 0 } batch)
        {
            try
            {
                await DecodeAsync(batch);
            }
            catch (Exception exception)
            {
                batch.ForEach(waiting => waiting.Fail(exception));
            }
        }
    }

    private List<Waiting> Take()
    {
        var batch = new List<Waiting>();
        lock (_gate)
        {
            var share = _decoder.DecodesSimply ? 1 : Math.Clamp((_waiting.Count + _processes - 1) / _processes, 1, _most);
            while (batch.Count < share && _waiting.TryPeek(out var next) && (batch.Count == 0 || (batch[0].Together && next.Together)))
            {
                batch.Add(_waiting.Dequeue());
            }

            _running -= batch.Count == 0 ? 1 : 0;
        }

        return batch;
    }

    private async Task DecodeAsync(List<Waiting> batch)
    {
        var alone = batch;
        if (batch is [{ Together: true } only] && _decoder.DecodesSimply)
        {
            if (await _decoder.DecodeSimplyAsync(only.Item, only.CancellationToken) is { } outcome)
            {
                only.SetResult(outcome);
                return;
            }
        }
        else if (batch.Count > 1)
        {
            var outcomes = await TryTogetherAsync(batch);
            alone = [];
            for (var i = 0; i < batch.Count; i++)
            {
                if (outcomes[i] is { } settled)
                {
                    batch[i].SetResult(settled);
                }
                else
                {
                    alone.Add(batch[i]);
                }
            }

            Learn(alone.Count, batch.Count);
        }

        foreach (var waiting in alone)
        {
            try
            {
                waiting.SetResult(await _decoder.DecodeAsync(waiting.Item, waiting.CancellationToken));
            }
            catch (Exception exception) when (ItemFault.Is(exception))
            {
                waiting.Fail(exception); // the others have their own turn
            }
        }
    }

    // An error that one of several brought about shows whose it is when each is decoded alone. Errors of the disk are tried again elsewhere.
    private async Task<DecodeOutcome?[]> TryTogetherAsync(List<Waiting> batch)
    {
        try
        {
            return await _decoder.DecodeTogetherAsync([.. batch.Select(static waiting => waiting.Item)], batch[0].CancellationToken);
        }
        catch (Exception exception) when (ItemFault.Is(exception) && exception is not IOException)
        {
            return new DecodeOutcome?[batch.Count];
        }
    }

    // Where sources often need a second look the first is wasted, the more the more of them share it.
    private void Learn(int again, int count)
    {
        lock (_gate)
        {
            _most = 2 * again > count ? Math.Max(1, _most / 2) : Math.Min(_filesEach, _most + 1);
        }
    }

    private sealed class Waiting(SourceItem item, bool together, CancellationToken cancellationToken)
        : TaskCompletionSource<DecodeOutcome>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public SourceItem Item => item;

        public bool Together => together;

        public CancellationToken CancellationToken => cancellationToken;

        public void Fail(Exception exception)
        {
            if (exception is OperationCanceledException cancelled)
            {
                TrySetCanceled(cancelled.CancellationToken);
            }
            else
            {
                TrySetException(exception);
            }
        }
    }
}
