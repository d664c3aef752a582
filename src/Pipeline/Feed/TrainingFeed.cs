using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// Batches of augmented views for training, a pure function of (cache, options, step): whatever the number of workers, wherever a run
/// was interrupted, a step gets the same clips, windows and values, bit for bit. Ranks take consecutive slices of each global batch.
/// </summary>
public sealed class TrainingFeed : IAsyncDisposable
{
    private const int LeastBatches = 3; // one consumed, one waiting, one in the making
    private const long LeastBudget = 1L << 30;
    private const long MostResident = 256 << 20, MostResidentOfJpeg = 32 << 20; // JPEGs are read, and only what lies beside them is mapped

    private readonly IClipSource _source;
    private readonly FeedOptions _options;
    private readonly Recordings _recordings;
    private readonly IClipOrder _order;
    private readonly BatchPool _batches;
    private readonly RawWindows.Pool _raw = new();
    private readonly SampleWorker _worker;
    private readonly long _batchBytes;
    private PipelineGraph? _graph;

    /// <param name="cache">A committed cache; every clip must have the modalities asked for.</param>
    /// <param name="options">Views, batch, ranks, workers.</param>
    /// <exception cref="UsageException">Options that cannot be, or a cache that does not fit them.</exception>
    public TrainingFeed(Cache cache, FeedOptions options)
        : this(new CacheClipSource(cache, Resident(cache, options.MemoryBudget)), options)
    {
    }

    internal TrainingFeed(IClipSource source, FeedOptions options)
    {
        options.Validate();
        CacheFit.Require(source, options.Modalities, options.Fps, options.FrameSize, options.Mel, waveform: options.RequireWaveform, anyFrameRule: options.AnyFrameRule);
        _recordings = new Recordings(source.Clips, options.Sample);
        Plan = new EpochPlan(_recordings.Count, options.BatchSize, options.Ranks, options.Sample == SampleUnit.PerVideo ? "videos" : "clips");
        (_source, _options) = (source, options.WithReadersFor(source));
        _order = Order(_recordings, options);
        _batches = new BatchPool(options, Plan.BatchPerRank);
        (var mean, var std) = MelScale.Of(source, options.MelMean, options.MelStd, options.Audio);
        ISampleAugmenter augmenter = options.Augmentation is { } recipe ? new RecipeAugmenter(recipe, options, mean, std) : new CenterCropAugmenter(mean, std);
        _worker = new SampleWorker(options, new WindowReader(source, options.Mel), augmenter);
        _batchBytes = BatchBuffers.BytesOf(options, Plan.BatchPerRank) + (Plan.BatchPerRank * source.Clips.Max(c => _worker.WindowBytes(Stretch.Of(c))));

        // All workers have a sample in work and another waiting, beside the batch that is being consumed.
        var batches = Math.Max(LeastBatches, 1 + (((2L * _options.WorkersOrCores) + Plan.BatchPerRank - 1) / Plan.BatchPerRank));
        var budget = options.MemoryBudget > 0 ? options.MemoryBudget : Math.Max(LeastBudget, source.ResidentBytes + (batches * _batchBytes));
        _options = _options with { MemoryBudget = Math.Max(1, budget - source.ResidentBytes) };
    }

    /// <summary>Steps, epochs and positions.</summary>
    public EpochPlan Plan { get; }

    /// <summary>Whole global batches in an epoch.</summary>
    public long StepsPerEpoch => Plan.StepsPerEpoch;

    /// <summary>Bytes of one delivered batch; a memory budget below two of them leaves the feed no room to work ahead.</summary>
    public long BatchBytes => _options.DeferAugmentation ? _batchBytes : BatchBuffers.BytesOf(_options, Plan.BatchPerRank);

    /// <summary>What the feed was given, and made of it for this machine and cache.</summary>
    internal FeedOptions Options => _options;

    /// <summary>Bytes queued, in flight and delivered but not disposed, of the reading in progress or the last one.</summary>
    public long BytesInFlight => Graph.BytesInFlight;

    private PipelineGraph Graph => _graph ?? throw new InvalidOperationException("the feed was not read yet");

    /// <summary>Reads from a step on, without end: leave the loop when done. Dispose every batch.</summary>
    /// <exception cref="CorruptCacheException">A damaged row, under the default policy.</exception>
    public IAsyncEnumerable<HostBatch> ReadAsync(long firstStep, CancellationToken cancellationToken) =>
        ReadAsync(firstStep, long.MaxValue, tailUsed: null, cancellationToken);

    /// <summary>Reads the steps from <paramref name="firstStep"/> up to, not including, <paramref name="endStep"/>.</summary>
    /// <param name="firstStep">Zero-based step of the run.</param>
    /// <param name="endStep">The run's number of steps: nothing is read ahead of it.</param>
    /// <param name="tailUsed">Under the skip policy, <see cref="HostBatch.TailUsed"/> of the last step consumed, of all ranks, if that was of the same epoch.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="CorruptCacheException">A damaged row, under the default policy.</exception>
    /// <exception cref="FailureException">Under the skip policy, more damaged rows than the epoch's tail can stand in for.</exception>
    public IAsyncEnumerable<HostBatch> ReadAsync(long firstStep, long endStep, IReadOnlyList<int>? tailUsed = null, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(firstStep);
        EpochTail tail = new(Plan, _options.Rank, Plan.EpochOf(firstStep), tailUsed ?? []);
        FeedGraph feed = new("feed", _options, _worker, new BatchCollator(firstStep, new BatchRepair(Plan, tail, _worker, SampleAt)));
        _graph = feed.Graph;
        return feed.ReadAsync(Assemblies(firstStep, endStep), "the feed keeps up: the training step sets the pace", cancellationToken);
    }

    /// <summary>Refuses a budget that cannot hold the three batches which working ahead takes.</summary>
    /// <param name="key">What the budget is called where it was written.</param>
    /// <exception cref="UsageException">It is too small; says what is enough.</exception>
    public void RequireRoom(string key)
    {
        if (_options.MemoryBudget < LeastBatches * _batchBytes)
        {
            throw new UsageException(
                $"{key} is {_options.MemoryBudget + _source.ResidentBytes}, of which {_source.ResidentBytes} are for shards in the page cache: {LeastBatches} batches of {Plan.BatchPerRank} clips "
                + $"take {LeastBatches * _batchBytes} bytes; write 0 for what is needed, at least {(LeastBatches + 1) * _batchBytes}, or lower batch");
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

    private static long Resident(Cache cache, long budget) =>
        Math.Min(budget > 0 ? budget / 4 : long.MaxValue, cache.Manifest.Fingerprint.FramesCodec == FrameCodecs.Jpeg ? MostResidentOfJpeg : MostResident);

    private static IClipOrder Order(Recordings recordings, FeedOptions options)
    {
        if (options.Order == ClipOrderKind.Uniform)
        {
            return new GlobalOrder(recordings.Count, options.Seed);
        }

        int[] inShards = [.. Enumerable.Range(0, recordings.Count).OrderBy(i => recordings.First(i).Shard).ThenBy(i => recordings.First(i).Row)];
        return new BlockOrder(inShards, options.Seed, options.OrderBlock, options.OrderWindow);
    }

    private IEnumerable<(BatchAssembly Assembly, IEnumerable<FeedSample> Samples)> Assemblies(long firstStep, long endStep)
    {
        for (var step = firstStep; step < endStep; step++)
        {
            (var epoch, var position, var rows) = (Plan.EpochOf(step), Plan.PositionOf(step, _options.Rank), Plan.BatchPerRank);
            WindowPlan[] plans = [.. Enumerable.Range(0, rows).Select(i => PlanAt(epoch, position + i))];
            var bytes = BatchBuffers.BytesOf(_options, rows) + plans.Sum(p => _worker.WindowBytes(p.Stretch));
            BatchAssembly assembly = new(_batches, step, epoch, position, plans, bytes);
            yield return (assembly, plans.Select((plan, slot) => SampleOf(assembly, slot, epoch, position + slot, plan)));
        }
    }

    private WindowPlan PlanAt(int epoch, long position) => _worker.Draw(new SampleKey(_options.Seed, epoch, position), _recordings.Of(_order.ClipAt(epoch, position)));

    private FeedSample SampleAt(BatchAssembly assembly, int slot, int epoch, long position) => SampleOf(assembly, slot, epoch, position, PlanAt(epoch, position));

    private FeedSample SampleOf(BatchAssembly assembly, int slot, int epoch, long position, WindowPlan plan) =>
        new(assembly, slot, new SampleKey(_options.Seed, epoch, position), plan, _worker.WindowBytes(plan.Stretch), _raw);
}
