namespace Xkd.Pipeline;

/// <summary>A stage that makes one item of each item.</summary>
internal sealed class StageNode<TIn, TOut> : OutputNode<TOut>
{
    private readonly Func<TIn, CancellationToken, ValueTask<TOut>> _work;
    private readonly Func<TIn, Exception, TOut>? _onFailure;
    private readonly Func<TIn, long>? _reserve;

    public StageNode(
        int index,
        StageMeter meter,
        StageOptions options,
        Func<TIn, CancellationToken, ValueTask<TOut>> work,
        Func<TIn, Exception, TOut>? onFailure,
        Func<TIn, long>? reserve)
        : base(index, meter)
    {
        (_work, _onFailure, _reserve) = (work, onFailure, reserve);
        Queue = new StageQueue<TIn>(meter, options, ProcessAsync);
    }

    public StageQueue<TIn> Queue { get; }

    public override async Task StartAsync(GraphRun run)
    {
        await Queue.RunAsync(run);
        Meter.Close();
        CompleteNext();
    }

    private async Task ProcessAsync(GraphRun run, Envelope<TIn> envelope)
    {
        var credit = envelope.Credit;
        if (_reserve is not null)
        {
            // In an ordered stage items are put out one after the other, so their credit is taken in that order, too: a later item
            // that held what an earlier one waits for would itself wait for the earlier one to be out.
            await envelope.Admission;
            credit = await ReserveAsync(run, credit, _reserve(envelope.Item));
            envelope.Admitted?.TrySetResult();
        }

        TOut output;
        try
        {
            output = await WorkAsync(run, envelope.Item);
        }
        catch
        {
            credit?.Dispose(); // idempotent, the envelope may hold the same one
            throw;
        }

        var turn = envelope.Turn;
        envelope.Empty();
        await PutAsync(run, output, credit, turn);
    }

    private async ValueTask<TOut> WorkAsync(GraphRun run, TIn item)
    {
        var work = Meter.Begin();
        var failed = false;
        var failedBefore = item is IOutcome { Failed: true }; // counted where it failed, not by each stage it passes since
        try
        {
            await run.DelayAsync(Name);
            var output = await _work(item, run.Stopping);
            failed = !failedBefore && output is IOutcome { Failed: true };
            return output;
        }
        catch (Exception exception) when (!run.IsStop(exception))
        {
            failed = true;
            if (_onFailure is null)
            {
                throw;
            }

            return _onFailure(item, exception);
        }
        finally
        {
            Meter.End(work, failed);
        }
    }
}
