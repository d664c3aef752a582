using System.Threading.Tasks.Dataflow;

namespace Xkd.Pipeline;

/// <summary>
/// The queue and the workers of a stage: an action block whose delegate never throws, so that the block can only run empty and
/// complete.
/// </summary>
internal sealed class StageQueue<T> : IInlet<T>
{
    private readonly Lock _gate = new();
    private readonly StageMeter _meter;
    private readonly bool _ordered;
    private readonly ActionBlock<Envelope<T>> _block;
    private readonly Func<GraphRun, Envelope<T>, Task> _work;
    private GraphRun? _run;
    private Task _latest = Task.CompletedTask;
    private Task _latestAdmission = Task.CompletedTask;

    public StageQueue(StageMeter meter, StageOptions options, Func<GraphRun, Envelope<T>, Task> work)
    {
        (_meter, _ordered, _work) = (meter, options.Ordered, work);
        _block = new ActionBlock<Envelope<T>>(HandleAsync, new ExecutionDataflowBlockOptions
        {
            MaxDegreeOfParallelism = options.Parallelism,
            BoundedCapacity = options.Parallelism + options.QueueCapacity, // a block counts what is in work, too
            EnsureOrdered = false, // of no effect on an action block: order is kept by turns, and only where asked for
        });
    }

    public Task RunAsync(GraphRun run)
    {
        _run = run;
        return _block.Completion;
    }

    public void Complete() => _block.Complete();

    public async Task SendAsync(Envelope<T> envelope, CancellationToken stopping)
    {
        bool taken;
        try
        {
            taken = await Offer(envelope, stopping);
        }
        catch
        {
            Pass(envelope);
            throw;
        }

        if (!taken)
        {
            throw new InvalidOperationException($"stage {_meter.Name} was completed while an item was on its way to it");
        }

        _meter.Enqueued();
    }

    private Task<bool> Offer(Envelope<T> envelope, CancellationToken stopping)
    {
        if (!_ordered)
        {
            return _block.SendAsync(envelope, stopping);
        }

        // Turns are dealt in the order of the offers: dealing and offering must not be torn apart by another sender.
        lock (_gate)
        {
            envelope.Turn = _latest;
            envelope.Out = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _latest = envelope.Out.Task;
            envelope.Admission = _latestAdmission;
            envelope.Admitted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _latestAdmission = envelope.Admitted.Task;
            return _block.SendAsync(envelope, stopping);
        }
    }

    private async Task HandleAsync(Envelope<T> envelope)
    {
        _meter.Dequeued();
        var run = _run!;
        try
        {
            run.Stopping.ThrowIfCancellationRequested();
            await _work(run, envelope);
        }
        catch (Exception exception)
        {
            run.Fail(exception);
            envelope.Discard();
        }
        finally
        {
            Pass(envelope);
        }
    }

    /// <summary>Nobody has to wait for this item any more.</summary>
    private static void Pass(Envelope<T> envelope)
    {
        envelope.Admitted?.TrySetResult();
        envelope.Out?.TrySetResult();
    }
}
