namespace Xkd.Pipeline;

/// <summary>A batch in the making: its samples are worked on in any order and write into its buffers side by side.</summary>
internal sealed class BatchAssembly(
    BatchPool pool, SampleWorker worker, long step, int epoch, long position, (SampleKey Key, WindowPlan Plan)[] samples) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<FeedSample> _holes = [];
    private int _open = samples.Length;
    private HostBatch? _batch;
    private ByteCredit? _credit;
    private volatile bool _over;

    public long Step => step;

    public int Epoch => epoch;

    /// <summary>Bytes of its buffers and of all its samples' windows.</summary>
    public long Bytes { get; } = pool.Bytes + samples.Sum(s => worker.WindowBytes(s.Plan.Stretch));

    public IEnumerable<FeedSample> Samples => samples.Select((sample, slot) => Sample(slot, sample));

    /// <summary>Handed over or given up.</summary>
    public bool IsOver => _over;

    public bool Carries => _credit is not null;

    /// <summary>Samples whose row was damaged, by slot.</summary>
    public IEnumerable<FeedSample> Holes => _holes.OrderBy(s => s.Slot);

    /// <summary>The batch; its buffers are taken when the first sample has something to write.</summary>
    public HostBatch Batch
    {
        get
        {
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_over, this);
                return _batch ??= new HostBatch(pool, samples.Length, step, epoch, position);
            }
        }
    }

    /// <summary>A sample of one of its slots.</summary>
    public FeedSample Sample(int slot, (SampleKey Key, WindowPlan Plan) sample) => new(this, slot, sample.Key, sample.Plan, worker.Raw);

    public void Carry(ByteCredit credit) => _credit = credit;

    /// <summary>A sample's windows are no longer in memory.</summary>
    public void ReturnWindows(long windowBytes) => _credit?.Return(windowBytes);

    /// <summary>Counts a sample in; true when it was the last.</summary>
    public bool Settle(FeedSample sample)
    {
        if (sample.Failed)
        {
            _holes.Add(sample);
        }

        return --_open == 0;
    }

    /// <summary>Hands the batch over, credit included.</summary>
    public HostBatch Finish()
    {
        var batch = Batch;
        lock (_gate)
        {
            _over = true;
            if (_credit is { } credit)
            {
                batch.Carry(credit);
            }

            return batch;
        }
    }

    /// <summary>Gives up a batch that will not be finished. Only once no sample of it is in work: the buffers go to other batches.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (!_over)
            {
                _over = true;
                _batch?.Dispose();
                _credit?.Dispose();
            }
        }
    }
}
