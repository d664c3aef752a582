namespace Xkd.Pipeline;

/// <summary>A stage that puts items out.</summary>
internal abstract class OutputNode<T>(int index, StageMeter meter) : Node(index, meter), ISource<T>
{
    private IInlet<T>? _next;

    public string Name => Meter.Name;

    public bool Connected => _next is not null;

    public void Connect(IInlet<T> next) => _next = next;

    protected void CompleteNext() => _next!.Complete();

    /// <summary>Settles the item's byte credit and hands it to the next stage, in its turn. On failure the item is discarded.</summary>
    protected async ValueTask PutAsync(GraphRun run, T item, ByteCredit? credit, Task turn)
    {
        Envelope<T> envelope = new(item, credit);
        Meter.BeginPut();
        try
        {
            var bytes = (item as IPayload)?.Bytes ?? 0;
            Meter.AddBytes(bytes);
            await turn; // first: credit taken before its turn could be what an earlier item waits for
            envelope = await SettleAsync(run, item, credit, bytes);
            await _next!.SendAsync(envelope, run.Stopping);
        }
        catch
        {
            envelope.Discard();
            throw;
        }
        finally
        {
            Meter.EndPut();
        }
    }

    /// <summary>Acquires what a reserve asks for before the payload exists.</summary>
    protected async ValueTask<ByteCredit?> ReserveAsync(GraphRun run, ByteCredit? credit, long bytes)
    {
        Meter.BeginPut();
        try
        {
            return await run.SettleAsync(credit, Math.Max(bytes, credit?.Bytes ?? 0), Index);
        }
        finally
        {
            Meter.EndPut();
        }
    }

    private async ValueTask<Envelope<T>> SettleAsync(GraphRun run, T item, ByteCredit? credit, long bytes)
    {
        if (item is not ICreditCarrier carrier)
        {
            return new Envelope<T>(item, await run.SettleAsync(credit, bytes, Index));
        }

        if (carrier.Carries)
        {
            credit?.Dispose();
        }
        else if (await run.SettleAsync(credit, bytes, Index) is { } settled)
        {
            carrier.Carry(settled);
        }

        return new Envelope<T>(item, credit: null);
    }
}
