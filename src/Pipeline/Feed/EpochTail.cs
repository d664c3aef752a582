using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// The positions of an epoch that no step visits, dealt to the ranks in turn. Under the skip policy they stand in for damaged rows, in
/// the order of the steps and slots, so which stands in for which does not depend on the number of workers. Its state is the set of
/// places used: with it a run continues on another number of ranks without using one twice.
/// </summary>
internal sealed class EpochTail(EpochPlan plan, int rank, int firstEpoch, IEnumerable<int> used)
{
    private SortedSet<int> _used = [.. used];
    private int _epoch = firstEpoch;

    /// <summary>Places used of the current epoch's tail, counted from its beginning, ascending.</summary>
    public int[] Used => [.. _used];

    /// <summary>An epoch begins with a whole tail.</summary>
    public void Enter(int epoch)
    {
        if (epoch != _epoch)
        {
            (_epoch, _used) = (epoch, []);
        }
    }

    /// <summary>The next unused position.</summary>
    /// <exception cref="FailureException">None is left.</exception>
    public long Next(string damaged)
    {
        for (var place = rank; place < plan.Dropped; place += plan.Ranks)
        {
            if (_used.Add(place))
            {
                return (plan.StepsPerEpoch * plan.Batch) + place;
            }
        }

        throw new FailureException(
            $"clip {damaged} is damaged and the {plan.Dropped} clips of epoch {_epoch} beyond its last whole batch are used up: run xkd verify and restore or re-ingest the cache");
    }
}
