using System.Collections.Concurrent;

namespace Xkd.Pipeline;

/// <summary>
/// Batch memory for reuse, what was returned last first: the fewer buffers take turns, the more of them stays in the processor's cache.
/// How many there are follows from the byte budget, which every batch passes first.
/// </summary>
internal sealed class BatchPool(FeedOptions options, int rows)
{
    private readonly ConcurrentStack<BatchBuffers> _free = [];

    public BatchBuffers Rent() => _free.TryPop(out var buffers) ? buffers : new BatchBuffers(options, rows);

    public void Return(BatchBuffers buffers) => _free.Push(buffers);
}
