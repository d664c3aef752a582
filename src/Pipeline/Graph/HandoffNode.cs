using System.Threading.Tasks.Dataflow;

namespace Xkd.Pipeline;

/// <summary>The queue from which an external consumer reads; the consumer's own time between two reads is measured as a stage.</summary>
internal sealed class HandoffNode<T> : Node, IInlet<T>
{
    private readonly BufferBlock<Envelope<T>> _buffer;

    public HandoffNode(int index, StageMeter meter, StageOptions options)
        : base(index, meter) =>
        _buffer = new BufferBlock<Envelope<T>>(new DataflowBlockOptions { BoundedCapacity = options.QueueCapacity, EnsureOrdered = true });

    public override Task StartAsync(GraphRun run) => Task.CompletedTask; // the consumer drives it

    public void Complete() => _buffer.Complete();

    public async Task SendAsync(Envelope<T> envelope, CancellationToken stopping)
    {
        if (!await _buffer.SendAsync(envelope, stopping))
        {
            throw new InvalidOperationException($"{Meter.Name} was completed while an item was on its way to it");
        }

        Meter.Enqueued();
    }

    /// <summary>The next item, or null at the end of the run, good or bad.</summary>
    public async ValueTask<Envelope<T>?> NextAsync(GraphRun run)
    {
        try
        {
            return await _buffer.OutputAvailableAsync(run.Stopping) ? Take() : null;
        }
        catch (OperationCanceledException stopped) when (run.IsStop(stopped))
        {
            run.Fail(stopped);
            return null; // the run says why once all its stages have ended
        }
    }

    /// <summary>Throws away what nobody will read. Call when every other stage has ended.</summary>
    public void Drain()
    {
        while (Take() is { } envelope)
        {
            envelope.Discard();
        }
    }

    private Envelope<T>? Take()
    {
        if (!_buffer.TryReceive(out var envelope))
        {
            return null;
        }

        Meter.Dequeued();
        return envelope;
    }
}
