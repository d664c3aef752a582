namespace Xkd.Model.Training;

/// <summary>Where a run stands in its data, all ranks together.</summary>
/// <param name="Step">Optimizer steps done.</param>
/// <param name="TailUsed">Under the skip policy: places used of the tail of the epoch that the next step belongs to.</param>
/// <param name="Skipped">Damaged rows left out so far.</param>
internal sealed record RunPosition(long Step, IReadOnlyList<int> TailUsed, long Skipped)
{
    public static RunPosition Start { get; } = new(0, [], 0);
}
