using System.Runtime.ExceptionServices;

namespace Xkd.Pipeline;

/// <summary>
/// The rules of completion, fault and cancellation, all of them:
/// <list type="bullet">
/// <item>Completion: a stage that has settled its last item completes the next stage's queue, from the source to the end.</item>
/// <item>Fault: the first exception that no handler mapped to an outcome stops the run and is what the run throws. Later ones are
/// consequences or coincidences and are not reported.</item>
/// <item>Cancellation, fault and a consumer that leaves all stop the run in the same way: <see cref="Stopping"/> fires, every wait ends,
/// queued items still go through their stage, which discards them there. So blocks never fault or cancel (a block that does
/// drops its queue, and with it pooled memory and byte credit); they run empty and complete.</item>
/// <item>A run is over when every stage is: nothing runs, holds memory or credit after it.</item>
/// </list>
/// </summary>
internal sealed class GraphRun : IDisposable
{
    private readonly CancellationTokenSource _stop;
    private readonly CancellationToken _caller;
    private readonly PipelineGraphOptions _options;
    private readonly Dictionary<string, SemaphoreSlim> _delays;
    private Exception? _fault;
    private int _admission = int.MaxValue;
    private volatile bool _cut;

    public GraphRun(PipelineGraphOptions options, CancellationToken caller)
    {
        (_options, _caller) = (options, caller);
        _delays = options.StageDelays.Keys.ToDictionary(stage => stage, _ => new SemaphoreSlim(1), StringComparer.Ordinal);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(caller);
        Stopping = _stop.Token; // kept: the source's own property throws once disposed
    }

    /// <summary>Fires when the run must end early, for whatever reason.</summary>
    public CancellationToken Stopping { get; }

    /// <summary>Stops the run with an exception, unless it only says that the run is stopping: then something was left undone.</summary>
    public void Fail(Exception exception)
    {
        if (IsStop(exception))
        {
            _cut = true;
        }
        else if (Interlocked.CompareExchange(ref _fault, exception, null) is null)
        {
            Stop();
        }
    }

    /// <summary>The exception is the run's own cancellation arriving at a wait, not a failure.</summary>
    public bool IsStop(Exception exception) => exception is OperationCanceledException && Stopping.IsCancellationRequested;

    /// <summary>Ends the run early.</summary>
    public void Stop()
    {
        try
        {
            _stop.Cancel();
        }
        catch (AggregateException callbacks)
        {
            // A stage's own cancellation callback threw: as much a fault of the run as any, but it must not reach a block.
            Interlocked.CompareExchange(ref _fault, callbacks, null);
        }
    }

    /// <summary>Waits for every stage, then throws what the run ended with, if it did not end well.</summary>
    public async Task FinishAsync(IEnumerable<Task> stages)
    {
        await Task.WhenAll(stages);
        if (_fault is { } fault)
        {
            ExceptionDispatchInfo.Throw(fault);
        }

        // A cancellation that came when everything was done changes nothing.
        if (_cut)
        {
            _caller.ThrowIfCancellationRequested();
        }
    }

    /// <summary>
    /// Brings an item's credit in line with its size. Only the first stage where payload appears waits for credit: further down,
    /// the credit waited for could be held by items queued behind this one. What grows further down overdraws; a stage whose
    /// items grow declares the final size with a reserve.
    /// </summary>
    public async ValueTask<ByteCredit?> SettleAsync(ByteCredit? credit, long bytes, int stage)
    {
        if (_options.ByteBudget is not { } budget)
        {
            return null;
        }

        if (credit is not null)
        {
            credit.Resize(bytes);
            return credit;
        }

        if (bytes == 0)
        {
            return null;
        }

        var first = Volatile.Read(ref _admission);
        while (stage < first && Interlocked.CompareExchange(ref _admission, stage, first) is int seen && seen != first)
        {
            first = seen;
        }

        if (stage <= Volatile.Read(ref _admission))
        {
            await budget.AcquireAsync(bytes, Stopping);
        }
        else
        {
            budget.Overdraw(bytes);
        }

        return new ByteCredit(budget, bytes);
    }

    /// <summary>The planted delay of a stage, if any: one item at a time, as if the stage had that one slow resource.</summary>
    public ValueTask DelayAsync(string stage) => _delays.TryGetValue(stage, out var gate) ? DelayAsync(gate, _options.StageDelays[stage]) : ValueTask.CompletedTask;

    /// <summary>The planted delay of the external consumer; cut short, it leaves it to the run to say why.</summary>
    public async ValueTask DelayConsumerAsync()
    {
        try
        {
            await DelayAsync(PipelineGraph.Consumer);
        }
        catch (OperationCanceledException stopped) when (IsStop(stopped))
        {
            Fail(stopped);
        }
    }

    public void Dispose()
    {
        foreach (var gate in _delays.Values)
        {
            gate.Dispose();
        }

        _stop.Dispose();
    }

    private async ValueTask DelayAsync(SemaphoreSlim gate, TimeSpan delay)
    {
        await gate.WaitAsync(Stopping);
        try
        {
            await Task.Delay(delay, _options.TimeProvider, Stopping);
        }
        finally
        {
            gate.Release();
        }
    }
}
