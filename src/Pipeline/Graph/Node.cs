namespace Xkd.Pipeline;

/// <summary>One stage in a graph's chain.</summary>
internal abstract class Node(int index, StageMeter meter)
{
    /// <summary>Place in the chain, 0 for the source.</summary>
    public int Index { get; } = index;

    public StageMeter Meter { get; } = meter;

    /// <summary>Runs the stage until its last item is settled. Never faults: faults go to the run.</summary>
    public abstract Task StartAsync(GraphRun run);
}
