namespace Xkd.Pipeline;

/// <summary>A stage that makes any number of items of each item, none included.</summary>
internal sealed class ExpandNode<TIn, TOut> : OutputNode<TOut>
{
    private readonly Func<TIn, CancellationToken, IAsyncEnumerable<TOut>> _work;

    public ExpandNode(int index, StageMeter meter, StageOptions options, Func<TIn, CancellationToken, IAsyncEnumerable<TOut>> work)
        : base(index, meter)
    {
        _work = work;
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
        await using var outputs = _work(envelope.Item, run.Stopping).GetAsyncEnumerator(run.Stopping);
        var first = true;
        while (await NextAsync(run, outputs, first))
        {
            first = false;
            await PutAsync(run, outputs.Current, credit: null, envelope.Turn);
        }

        // The input's credit is held until its last output is out: the outputs may be slices of it.
        var credit = envelope.Credit;
        envelope.Empty();
        credit?.Dispose();
    }

    // Counted once per input, over its first output: what follows adds to the time worked, not to the items.
    private async ValueTask<bool> NextAsync(GraphRun run, IAsyncEnumerator<TOut> outputs, bool first)
    {
        var work = Meter.Begin();
        var failed = false;
        try
        {
            if (first)
            {
                await run.DelayAsync(Name);
            }

            var any = await outputs.MoveNextAsync();
            failed = any && outputs.Current is IOutcome { Failed: true };
            return any;
        }
        catch (Exception exception) when (!run.IsStop(exception))
        {
            failed = true;
            throw;
        }
        finally
        {
            Meter.End(work, failed, counted: first || failed);
        }
    }
}
