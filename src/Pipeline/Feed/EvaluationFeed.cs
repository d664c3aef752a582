using System.Runtime.CompilerServices;
using Xkd.Storage;

namespace Xkd.Pipeline;

/// <summary>
/// Windows clip by clip: dense testing with n windows a clip, evenly spaced from the clip's beginning to its end, or a single centred one, each in one or three
/// crops; or, with augmentation, n windows that begin anywhere. The same cache and options always give the same batches.
/// </summary>
public sealed class EvaluationFeed : IAsyncDisposable
{
    private readonly IClipSource _source;
    private readonly EvaluationOptions _options;
    private readonly FeedOptions _feed;
    private readonly IReadOnlyList<int> _clips;
    private readonly RawWindows.Pool _raw = new();
    private readonly Recordings _recordings;
    private readonly WindowReader _windows;
    private readonly SampleWorker _worker;
    private PipelineGraph? _graph;

    /// <param name="cache">A committed cache; every clip must have the modalities asked for.</param>
    /// <param name="options">Views, windows, workers.</param>
    /// <exception cref="UsageException">Options that cannot be, or a cache that does not fit them.</exception>
    public EvaluationFeed(Cache cache, EvaluationOptions options)
        : this(new CacheClipSource(cache), options)
    {
    }

    internal EvaluationFeed(IClipSource source, EvaluationOptions options)
    {
        options.Validate();
        _clips = options.Clips ?? [.. Enumerable.Range(0, source.Clips.Count)];
        CacheFit.Require(source, options.Modalities, options.Fps, options.FrameSize, options.Mel, _clips, anyFrameRule: options.AnyFrameRule);
        (_source, _options, _feed) = (source, options, options.AsFeed().WithReadersFor(source));
        _recordings = new Recordings(source.Clips, SampleUnit.PerClip);
        _windows = new WindowReader(source, options.Mel);
        (var mean, var std) = MelScale.Of(source, options.MelMean, options.MelStd, _feed.Audio);
        _worker = new SampleWorker(_feed, _windows, options.Augmenter(_feed, mean, std));
    }

    /// <summary>Rows over all clips: windows times crops.</summary>
    public long Count => (long)_clips.Count * _options.RowsPerClip;

    /// <summary>Reads all windows once. Dispose every batch.</summary>
    /// <exception cref="CorruptCacheException">A damaged row.</exception>
    public async IAsyncEnumerable<EvaluationBatch> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        FeedGraph feed = new("evaluation", _feed, _worker, new BatchCollator(firstStep: 0, repair: null));
        _graph = feed.Graph;
        await foreach (var batch in feed.ReadAsync(Assemblies(), "the feed keeps up: the model sets the pace", cancellationToken))
        {
            yield return new EvaluationBatch(batch, [.. Enumerable.Range(0, batch.Size).Select(i => WindowAt(batch.Position + i))]);
        }
    }

    /// <summary>What the stages measured, of the reading in progress or the last one.</summary>
    /// <exception cref="InvalidOperationException">Nothing was read yet.</exception>
    public GraphReport Report() => (_graph ?? throw new InvalidOperationException("the feed was not read yet")).Report();

    public ValueTask DisposeAsync()
    {
        _source.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Where window <paramref name="index"/> of <paramref name="windows"/> begins in a clip.</summary>
    internal static int Start(int available, int window, int index, int windows)
    {
        var room = Math.Max(0, available - window);
        return windows == 1 ? room / 2 : (int)Math.Round((double)index * room / (windows - 1), MidpointRounding.AwayFromZero);
    }

    private int WindowAt(long position) => (int)(position / _options.CropsPerWindow % _options.Windows);

    private IEnumerable<(BatchAssembly Assembly, IEnumerable<FeedSample> Samples)> Assemblies()
    {
        BatchPool full = new(_feed, _options.BatchSize);
        for (long step = 0; step * _options.BatchSize < Count; step++)
        {
            var first = step * _options.BatchSize;
            var rows = (int)Math.Min(_options.BatchSize, Count - first);
            (SampleKey Key, WindowPlan Plan)[] plans = [.. Enumerable.Range(0, rows).Select(i => PlanAt(first + i, _clips[(int)((first + i) / _options.RowsPerClip)]))];
            var bytes = BatchBuffers.BytesOf(_feed, rows) + plans.Sum(p => _worker.WindowBytes(p.Plan.Stretch));
            var pool = rows == _options.BatchSize ? full : new BatchPool(_feed, rows);
            BatchAssembly assembly = new(pool, step, epoch: 0, first, [.. plans.Select(p => p.Plan)], bytes);
            yield return (assembly, plans.Select((p, slot) => new FeedSample(assembly, slot, p.Key, p.Plan, _worker.WindowBytes(p.Plan.Stretch), _raw)));
        }
    }

    private (SampleKey Key, WindowPlan Plan) PlanAt(long position, int index)
    {
        var clip = _recordings.Of(index)[0];
        var window = WindowAt(position);

        // A drawn window depends on the clip and its number alone: leaving clips out moves no other's. An undrawn row's position says which crop it is.
        var drawn = _options.Augmentation is not null;
        var key = drawn ? new SampleKey(_options.Seed, window, index) : new SampleKey(0, 0, position);
        return (key, drawn ? _worker.Draw(key, [clip]) : PlanOf(clip, window));
    }

    private WindowPlan PlanOf(Stretch clip, int window)
    {
        var video = _feed.Video ? Start(clip.NumFrames, _options.Frames, window, _options.Windows) : 0;
        var audio = !_feed.Audio ? 0
            : _feed.Video ? _windows.SampleAt(clip.First, video / _options.Fps)
            : _windows.Start(clip.First, Start(_windows.Starts(clip.First, _windows.Samples(clip), _options.AudioFrames), 1, window, _options.Windows));
        return new WindowPlan { Stretch = clip, Video = _feed.Video ? [video] : [], Audio = _feed.Audio ? [audio] : [] };
    }
}
