using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// The skip policy: fills the slots of damaged rows from the epoch's tail, batch by batch in the order of the steps.
/// </summary>
internal sealed class BatchRepair(EpochPlan plan, EpochTail tail, SampleWorker worker, Func<BatchAssembly, int, int, long, FeedSample> sampleAt)
{
    /// <exception cref="FailureException">The tail is used up.</exception>
    public void Fill(BatchAssembly assembly)
    {
        var epoch = plan.EpochOf(assembly.Step);
        tail.Enter(epoch);
        List<DamagedRow> damaged = [];
        foreach (var hole in assembly.Holes)
        {
            Fill(assembly, hole, epoch, damaged);
        }

        (assembly.Batch.TailUsed, assembly.Batch.Damaged) = (tail.Used, damaged);
    }

    private void Fill(BatchAssembly assembly, FeedSample hole, int epoch, List<DamagedRow> damaged)
    {
        damaged.Add(new DamagedRow(hole.Clip.Id, hole.Damage!.Message));
        while (true)
        {
            using var sample = sampleAt(assembly, hole.Slot, epoch, tail.Next(damaged[^1].ClipId));
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
