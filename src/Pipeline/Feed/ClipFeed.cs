using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// Batches of views cut from clips, a pure function of (cache, options, step): whatever the number of workers, wherever a run was interrupted, a step gets the
/// same clips, windows and values, bit for bit. The options decide what a step holds: those of training shuffle the clips of each epoch and deal them to the
/// ranks, those of evaluation go clip by clip, or shuffle what a classifier is trained on.
/// </summary>
public sealed class ClipFeed : IAsyncDisposable
{
    private const int LeastBatches = 3; // one consumed, one waiting, one in the making
    private const long LeastBudget = 1L << 30;

    private readonly IClipSource _source;
    private readonly ISchedule _schedule;
    private readonly BatchPool _batches;
    private readonly SampleWorker _worker;
    private readonly Lazy<long> _batchBytes;
    private PipelineGraph? _graph;

    /// <param name="cache">A committed cache; every clip that is read must have the modalities asked for.</param>
    /// <param name="options">Views, batch, workers, and of <see cref="FeedOptions"/> or <see cref="EvaluationOptions"/> what is read when.</param>
    /// <exception cref="UsageException">Options that cannot be, or a cache that does not fit them.</exception>
    public ClipFeed(Cache cache, ViewOptions options)
        : this(new CacheClipSource(cache), options)
    {
    }

    /// <param name="mix">Committed caches; every clip that is read must have the modalities asked for.</param>
    /// <param name="options">Views, batch, workers, ranks, order.</param>
    /// <exception cref="UsageException">Options or a mix that cannot be, or a cache that does not fit.</exception>
    public ClipFeed(IReadOnlyList<MixMember> mix, FeedOptions options)
        : this(MixedSource.Of(mix, cache => new CacheClipSource(cache)), options)
    {
    }

    internal ClipFeed(IClipSource source, ViewOptions options, ISampleAugmenter? augmenter = null)
    {
        options.Validate();
        CacheFit.Require(source, options);
        WindowReader windows = new(source, options.Mel);
        (_source, _schedule) = (source, options.Schedule(source, windows));
        (var mean, var std) = CacheFit.MelScale(source, options);
        _batches = new BatchPool(options, Plan.BatchPerRank);
        _worker = new SampleWorker(options, windows, augmenter ?? options.Augmenter(mean, std));
        _batchBytes = new Lazy<long>(() => _batches.Bytes + (Plan.BatchPerRank * source.Clips.Max(c => _worker.WindowBytes(Stretch.Of(c)))));

        // All workers have a sample in work and another waiting, beside the batch that is being consumed.
        var batches = Math.Max(LeastBatches, 1 + (((2L * options.WorkersOrCores) + Plan.BatchPerRank - 1) / Plan.BatchPerRank));
        var budget = options.MemoryBudget > 0 ? options.MemoryBudget : Math.Max(LeastBudget, batches * _batchBytes.Value);
        var jpeg = source.Members.Any(m => m.Source.Fingerprint.FramesCodec == FrameCodecs.Jpeg);
        var disk = jpeg ? Math.Max(2, options.WorkersOrCores) : Math.Clamp(options.Cores / 8, 2, 16);
        var readers = options.Readers > 0 ? options.Readers : Math.Max(disk, source.Requests ?? 0);
        Options = options with { MemoryBudget = budget, Readers = readers };
    }

    /// <summary>Steps, epochs and positions.</summary>
    public EpochPlan Plan => _schedule.Plan;

    /// <summary>Global batches in an epoch.</summary>
    public long StepsPerEpoch => Plan.StepsPerEpoch;

    /// <summary>Bytes of one delivered batch; a memory budget below two of them leaves the feed no room to work ahead.</summary>
    public long BatchBytes => _batches.Bytes;

    /// <summary>What the feed was given, and made of it for this machine and cache.</summary>
    internal ViewOptions Options { get; }

    /// <summary>Bytes queued, in flight and delivered but not disposed, of the reading in progress or the last one.</summary>
    public long BytesInFlight => Graph.BytesInFlight;

    private PipelineGraph Graph => _graph ?? throw new InvalidOperationException("the feed was not read yet");

    /// <summary>Reads from a step on, without end: leave the loop when done. Dispose every batch.</summary>
    /// <exception cref="CorruptCacheException">A damaged row, under the default policy.</exception>
    public IAsyncEnumerable<HostBatch> ReadAsync(long firstStep, CancellationToken cancellationToken) =>
        ReadAsync(firstStep, long.MaxValue, tailUsed: null, cancellationToken);

    /// <summary>Reads one epoch: in evaluation, all windows once. Dispose every batch.</summary>
    /// <exception cref="CorruptCacheException">A damaged row, under the default policy.</exception>
    public IAsyncEnumerable<HostBatch> ReadEpochAsync(int epoch, CancellationToken cancellationToken = default) =>
        ReadAsync(epoch * StepsPerEpoch, (epoch + 1) * StepsPerEpoch, tailUsed: null, cancellationToken);

    /// <summary>Reads the steps from <paramref name="firstStep"/> up to, not including, <paramref name="endStep"/>. Dispose every batch.</summary>
    /// <param name="firstStep">Zero-based step of the run.</param>
    /// <param name="endStep">The run's number of steps: nothing is read ahead of it.</param>
    /// <param name="tailUsed">Under the skip policy, <see cref="HostBatch.TailUsed"/> of the last step consumed, of all ranks, if of the same epoch.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="CorruptCacheException">A damaged row, under the default policy.</exception>
    /// <exception cref="FailureException">Under the skip policy, more damaged rows than the epoch's tail can stand in for.</exception>
    public IAsyncEnumerable<HostBatch> ReadAsync(
        long firstStep, long endStep, IReadOnlyList<int>? tailUsed = null, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(firstStep);
        FeedGraph feed = new(_schedule.Name, Options, _worker, new BatchCollator(_schedule, _worker, firstStep, tailUsed ?? []));
        _graph = feed.Graph;
        return feed.ReadAsync(Assemblies(firstStep, endStep), _schedule.Consumer, cancellationToken);
    }

    /// <summary>Refuses a budget that cannot hold the three batches which working ahead takes.</summary>
    /// <param name="key">What the budget is called where it was written.</param>
    /// <exception cref="UsageException">It is too small; says what is enough.</exception>
    public void RequireRoom(string key)
    {
        var batch = _batchBytes.Value;
        if (Options.MemoryBudget < LeastBatches * batch)
        {
            throw new UsageException(
                $"{key} is {Options.MemoryBudget}: {LeastBatches} batches of {Plan.BatchPerRank} clips take {LeastBatches * batch} bytes; write 0 for what is needed, or lower batch");
        }
    }

    /// <summary>What the stages measured, of the reading in progress or the last one.</summary>
    /// <exception cref="InvalidOperationException">Nothing was read yet.</exception>
    public GraphReport Report() => Graph.Report();

    /// <summary>Writes the latest stage spans as a Chrome trace; needs a trace capacity in the diagnostics options.</summary>
    public void WriteTrace(Stream stream) => Graph.WriteTrace(stream);

    public ValueTask DisposeAsync()
    {
        _source.Dispose();
        return ValueTask.CompletedTask;
    }

    private IEnumerable<BatchAssembly> Assemblies(long firstStep, long endStep)
    {
        for (var step = firstStep; step < endStep; step++)
        {
            (var epoch, var position, var rows) = (Plan.EpochOf(step), Plan.PositionOf(step, _schedule.Rank), Plan.RowsOf(step));
            (SampleKey, WindowPlan)[] samples = [.. Enumerable.Range(0, rows).Select(i => _schedule.At(epoch, position + i))];
            yield return new BatchAssembly(rows == Plan.BatchPerRank ? _batches : new BatchPool(Options, rows), _worker, step, epoch, position, samples);
        }
    }
}
