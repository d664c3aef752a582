namespace Xkd.Pipeline;

/// <summary>Gathers samples into batches and lets the batches out in the order of the steps. One thread at a time.</summary>
internal sealed class BatchCollator(long firstStep, BatchRepair? repair)
{
    private readonly Dictionary<long, BatchAssembly> _whole = [];
    private long _next = firstStep;

    /// <summary>Counts the sample in and gives the batches that can go.</summary>
    public IEnumerable<HostBatch> Take(FeedSample sample)
    {
        if (!sample.Assembly.Settle(sample))
        {
            yield break;
        }

        _whole.Add(sample.Assembly.Step, sample.Assembly);
        while (_whole.Remove(_next, out var assembly))
        {
            repair?.Fill(assembly);
            _next++;
            yield return assembly.Finish();
        }
    }
}
