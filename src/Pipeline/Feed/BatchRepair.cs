using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// The skip policy: fills the slots of damaged rows from the epoch's tail, batch by batch in the order of the steps.
/// </summary>
internal sealed class BatchRepair(EpochPlan plan, EpochTail tail, SampleWorker worker, Func<BatchAssembly, int, int, long, FeedSample> sampleAt)
{
    private long _skipped;

    /// <exception cref="FailureException">The tail is used up.</exception>
    public void Fill(BatchAssembly assembly)
    {
        int epoch = plan.EpochOf(assembly.Step);
        tail.Enter(epoch);
        foreach (FeedSample hole in assembly.Holes)
        {
            Fill(assembly, hole, epoch);
        }

        (assembly.Batch.TailUsed, assembly.Batch.Skipped) = (tail.Used, _skipped);
    }

    private void Fill(BatchAssembly assembly, FeedSample hole, int epoch)
    {
        string damaged = hole.Clip.Id;
        while (true)
        {
            _skipped++;
            using FeedSample sample = sampleAt(assembly, hole.Slot, epoch, tail.Next(damaged));
            try
            {
                worker.Read(sample);
            }
            catch (CorruptCacheException)
            {
                damaged = sample.Clip.Id; // counted in the next round, as the one before it was
                continue;
            }

            worker.Augment(sample);
            hole.ReleaseWindows(); // the stand-in was covered by the bytes held for the damaged one
            return;
        }
    }
}
