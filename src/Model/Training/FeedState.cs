using Xkd.Pipeline;

namespace Xkd.Model.Training;

/// <summary>What of the data's state the step alone does not tell: rows left out, and what stands in for them.</summary>
internal sealed class FeedState(RunPosition begun, long stepsPerEpoch)
{
    /// <summary>Steps already done when this start began.</summary>
    public long StartStep => begun.Step;

    /// <summary>Under the skip policy: places used of the tail of the epoch that the next step belongs to, of all ranks when this began and since then of this one.</summary>
    public IReadOnlyList<int> TailUsed { get; private set; } = begun.TailUsed;

    /// <summary>Damaged rows left out by all ranks before this start began.</summary>
    public long SkippedBefore => begun.Skipped;

    /// <summary>Damaged rows left out by this rank since then.</summary>
    public long SkippedHere { get; private set; }

    /// <summary>Records what a batch left out and used.</summary>
    public void Account(HostBatch batch, ITrainingObserver observer)
    {
        foreach (var row in batch.Damaged)
        {
            SkippedHere++;
            observer.Note($"step {batch.Step + 1}: clip {row.ClipId} is left out, {row.Detail}; {SkippedBefore + SkippedHere} left out so far");
        }

        TailUsed = (batch.Step + 1) % stepsPerEpoch == 0 ? [] : batch.TailUsed;
    }
}
