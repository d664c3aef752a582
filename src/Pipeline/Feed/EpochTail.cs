using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// The positions of an epoch that no step visits, dealt to the ranks in turn. Under the skip policy they stand in for damaged rows, in
/// the order of the steps and slots, so which stands in for which does not depend on the number of workers.
/// </summary>
internal sealed class EpochTail(EpochPlan plan, int rank, int firstEpoch, int used)
{
    private int _epoch = firstEpoch;

    /// <summary>Positions this rank has used of the current epoch's tail.</summary>
    public int Used { get; private set; } = used;

    /// <summary>An epoch begins with a whole tail.</summary>
    public void Enter(int epoch)
    {
        if (epoch != _epoch)
        {
            (_epoch, Used) = (epoch, 0);
        }
    }

    /// <summary>The next unused position.</summary>
    /// <exception cref="FailureException">None is left.</exception>
    public long Next(string damaged)
    {
        long position = (plan.StepsPerEpoch * plan.Batch) + rank + ((long)Used * plan.Ranks);
        if (position >= plan.Clips)
        {
            throw new FailureException(
                $"clip {damaged} is damaged and the {plan.Dropped} clips of epoch {_epoch} beyond its last whole batch are used up: run xkd verify and restore or re-ingest the cache");
        }

        Used++;
        return position;
    }
}
