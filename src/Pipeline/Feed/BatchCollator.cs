using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// Gathers samples into batches and lets the batches out in the order of the steps. Under the skip policy it fills the slots of damaged rows from the epoch's
/// tail first. One thread at a time.
/// </summary>
internal sealed class BatchCollator(ISchedule schedule, SampleWorker worker, long firstStep, IEnumerable<int> tailUsed)
{
    private readonly EpochTail _tail = new(schedule.Plan, schedule.Rank, schedule.Plan.EpochOf(firstStep), tailUsed);
    private readonly Dictionary<long, BatchAssembly> _whole = [];
    private long _next = firstStep;

    /// <summary>Counts the sample in and gives the batches that can go.</summary>
    /// <exception cref="FailureException">The tail is used up.</exception>
    public IEnumerable<HostBatch> Take(FeedSample sample)
    {
        if (!sample.Assembly.Settle(sample))
        {
            yield break;
        }

        _whole.Add(sample.Assembly.Step, sample.Assembly);
        while (_whole.Remove(_next, out var assembly))
        {
            _tail.Enter(assembly.Epoch);
            List<DamagedRow> damaged = [];
            foreach (var hole in assembly.Holes)
            {
                Fill(assembly, hole, damaged);
            }

            (assembly.Batch.TailUsed, assembly.Batch.Damaged) = (_tail.Used, damaged);
            _next++;
            yield return assembly.Finish();
        }
    }

    private void Fill(BatchAssembly assembly, FeedSample hole, List<DamagedRow> damaged)
    {
        damaged.Add(new DamagedRow(hole.Clip.Id, hole.Damage!.Message));
        while (true)
        {
            using var sample = assembly.Sample(hole.Slot, schedule.At(assembly.Epoch, _tail.Next(damaged[^1].ClipId)));
            try
            {
                worker.Read(sample);
            }
            catch (CorruptCacheException damage)
            {
                damaged.Add(new DamagedRow(sample.Clip.Id, damage.Message));
                continue;
            }

            worker.Augment(sample);
            worker.Settle(hole); // the stand-in was covered by the bytes held for the damaged one
            return;
        }
    }
}

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
            $"clip {damaged} is damaged and the {plan.Dropped} clips of epoch {_epoch} beyond its last whole batch are used up: "
            + "run xkd verify and restore or re-ingest the cache");
    }
}
