using System.Collections.Concurrent;

namespace Xkd.Pipeline;

/// <summary>Batch memory for reuse. How much there is follows from the byte budget, which every batch passes first.</summary>
internal sealed class BatchPool(FeedOptions options, int rows)
{
    private readonly ConcurrentBag<BatchBuffers> _free = [];

    public BatchBuffers Rent() => _free.TryTake(out BatchBuffers? buffers) ? buffers : new BatchBuffers(options, rows);

    public void Return(BatchBuffers buffers) => _free.Add(buffers);
}
