namespace Xkd.Pipeline;

/// <summary>The last stage of a graph that is run to its end.</summary>
internal sealed class SinkNode<T> : Node
{
    private readonly Func<T, CancellationToken, ValueTask> _work;

    public SinkNode(int index, StageMeter meter, StageOptions options, Func<T, CancellationToken, ValueTask> work)
        : base(index, meter)
    {
        _work = work;
        Queue = new StageQueue<T>(meter, options, ProcessAsync);
    }

    public StageQueue<T> Queue { get; }

    public override async Task StartAsync(GraphRun run)
    {
        await Queue.RunAsync(run);
        Meter.Close();
    }

    private async Task ProcessAsync(GraphRun run, Envelope<T> envelope)
    {
        Meter.AddBytes((envelope.Item as IPayload)?.Bytes ?? 0);
        await envelope.Turn;
        await WorkAsync(run, envelope.Item);
        var credit = envelope.Credit;
        envelope.Empty();
        credit?.Dispose();
    }

    private async ValueTask WorkAsync(GraphRun run, T item)
    {
        var work = Meter.Begin();
        var failed = false;
        try
        {
            await run.DelayAsync(Meter.Name);
            await _work(item, run.Stopping);
        }
        catch (Exception exception) when (!run.IsStop(exception))
        {
            failed = true;
            throw;
        }
        finally
        {
            Meter.End(work, failed);
        }
    }
}
