using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// Shuffled, augmented windows of labelled clips for training a classifier, epoch after epoch; what does not fill a batch at an epoch's end is left out. A step's
/// content is a pure function of cache, options and step.
/// </summary>
public sealed class ClassifierFeed : IAsyncDisposable
{
    private readonly IClipSource _source;
    private readonly EvaluationOptions _options;
    private readonly FeedOptions _feed;
    private readonly IReadOnlyList<int> _clips;
    private readonly Recordings _recordings;
    private readonly GlobalOrder _order;
    private readonly BatchPool _batches;
    private readonly RawWindows.Pool _raw = new();
    private readonly SampleWorker _worker;

    /// <param name="cache">A committed cache; the clips read must have the modalities asked for.</param>
    /// <param name="options">Views, augmentation, batch and seed. <see cref="EvaluationOptions.Windows"/> is how often an epoch visits each clip.</param>
    /// <exception cref="UsageException">Options that cannot be, or a cache that does not fit them.</exception>
    public ClassifierFeed(Cache cache, EvaluationOptions options)
        : this(new CacheClipSource(cache), options)
    {
    }

    internal ClassifierFeed(IClipSource source, EvaluationOptions options)
    {
        options.Validate();
        _clips = options.Clips ?? [.. Enumerable.Range(0, source.Clips.Count)];
        CacheFit.Require(source, options.Modalities, options.Fps, options.FrameSize, options.Mel, _clips, anyFrameRule: options.AnyFrameRule);
        var visits = (long)_clips.Count * options.Windows;
        if (visits < options.BatchSize)
        {
            throw new UsageException($"cache {source.Name}: {visits} training windows an epoch do not fill a batch of {options.BatchSize}; use a smaller batch");
        }

        (_source, _options, _feed) = (source, options, options.AsFeed().WithReadersFor(source));
        _order = new GlobalOrder(visits, options.Seed);
        _recordings = new Recordings(source.Clips, SampleUnit.PerClip);
        _batches = new BatchPool(_feed, options.BatchSize);
        (var mean, var std) = MelScale.Of(source, options.MelMean, options.MelStd, _feed.Audio);
        _worker = new SampleWorker(_feed, new WindowReader(source, options.Mel), options.Augmenter(_feed, mean, std));
        StepsPerEpoch = visits / options.BatchSize;
    }

    /// <summary>Whole batches in an epoch.</summary>
    public long StepsPerEpoch { get; }

    /// <summary>Reads the steps from <paramref name="firstStep"/> up to, not including, <paramref name="endStep"/>. Dispose every batch.</summary>
    /// <exception cref="CorruptCacheException">A damaged row.</exception>
    public IAsyncEnumerable<HostBatch> ReadAsync(long firstStep, long endStep, CancellationToken cancellationToken = default)
    {
        FeedGraph feed = new("classifier", _feed, _worker, new BatchCollator(firstStep, repair: null));
        return feed.ReadAsync(Assemblies(firstStep, endStep), "the feed keeps up: the training step sets the pace", cancellationToken);
    }

    public ValueTask DisposeAsync()
    {
        _source.Dispose();
        return ValueTask.CompletedTask;
    }

    private IEnumerable<(BatchAssembly Assembly, IEnumerable<FeedSample> Samples)> Assemblies(long firstStep, long endStep)
    {
        var rows = _options.BatchSize;
        for (var step = firstStep; step < endStep; step++)
        {
            var epoch = (int)(step / StepsPerEpoch);
            var position = step % StepsPerEpoch * rows;
            WindowPlan[] plans = [.. Enumerable.Range(0, rows).Select(i => _worker.Draw(KeyAt(i), _recordings.Of(_clips[(int)(_order.ClipAt(epoch, position + i) / _options.Windows)])))];
            var bytes = BatchBuffers.BytesOf(_feed, rows) + plans.Sum(p => _worker.WindowBytes(p.Stretch));
            BatchAssembly assembly = new(_batches, step, epoch, position, plans, bytes);
            yield return (assembly, plans.Select((plan, slot) => new FeedSample(assembly, slot, KeyAt(slot), plan, _worker.WindowBytes(plan.Stretch), _raw)));

            SampleKey KeyAt(int slot) => new(_options.Seed, epoch, position + slot);
        }
    }
}
