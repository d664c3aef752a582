namespace Xkd.Pipeline;

/// <summary>What one stage measures of itself: where its workers' time goes, and what waits in front of it.</summary>
internal sealed class StageMeter(string name, StageOptions options, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly bool[] _lanes = new bool[options.Parallelism];
    private readonly LatencyHistogram _latency = new();
    private readonly TimeIntegral _busy = new(time);
    private readonly TimeIntegral _putting = new(time);
    private readonly TimeIntegral _queued = new(time);
    private long _failed;
    private long _bytes;
    private long _closed;

    public string Name { get; } = name;

    public int Parallelism => options.Parallelism;

    public string Remedy => options.Remedy;

    /// <summary>Set for the length of a run with tracing on.</summary>
    public TraceBuffer? Trace { get; set; }

    public int QueueCapacity => options.QueueCapacity;

    /// <summary>Items queued, integrated over time.</summary>
    public double QueuedSeconds => _queued.Seconds();

    /// <summary>Workers at work, integrated over time.</summary>
    public double BusySeconds => _busy.Seconds();

    public void Enqueued() => _queued.Add(1);

    public void Dequeued() => _queued.Add(-1);

    public Work Begin()
    {
        _busy.Add(1);
        lock (_gate)
        {
            var lane = Math.Max(0, Array.IndexOf(_lanes, value: false));
            _lanes[lane] = true;
            return new Work(time.GetTimestamp(), lane);
        }
    }

    public void End(Work work, bool failed = false, bool counted = true)
    {
        var now = time.GetTimestamp();
        lock (_gate)
        {
            _lanes[work.Lane] = false;
        }

        _busy.Add(-1);
        if (!counted)
        {
            return;
        }

        _latency.Add(time.GetElapsedTime(work.Start, now));
        Trace?.Add(Name, work.Lane, work.Start, now);
        if (failed)
        {
            Interlocked.Increment(ref _failed);
        }
    }

    public void BeginPut() => _putting.Add(1);

    public void EndPut() => _putting.Add(-1);

    public void AddBytes(long bytes) => Interlocked.Add(ref _bytes, bytes);

    /// <summary>The stage has seen its last item: from here on its workers no longer wait for any.</summary>
    public void Close() => Interlocked.CompareExchange(ref _closed, time.GetTimestamp(), 0);

    public StageReport Report(long started, long now)
    {
        var closed = Interlocked.Read(ref _closed);
        var run = Math.Max(1e-9, time.GetElapsedTime(started, now).TotalSeconds);
        var open = closed == 0 ? run : Math.Min(run, time.GetElapsedTime(started, closed).TotalSeconds);
        var busy = _busy.Seconds();
        var put = _putting.Seconds();
        return new StageReport
        {
            Name = Name,
            Parallelism = Parallelism,
            Count = _latency.Count,
            Failed = Interlocked.Read(ref _failed),
            MeanMs = _latency.MeanMs,
            P50Ms = _latency.QuantileMs(0.5),
            P99Ms = _latency.QuantileMs(0.99),
            PutWait = put,
            GetWait = Math.Max(0, (open * Parallelism) - busy - put),
            Occupancy = Math.Clamp(_queued.Seconds() / (run * options.QueueCapacity), 0, 1),
            Utilisation = Math.Clamp(busy / (run * Parallelism), 0, 1),
            Bytes = Interlocked.Read(ref _bytes),
            Title = options.Title ?? Name,
            Remedy = Remedy,
        };
    }

    internal readonly record struct Work(long Start, int Lane);
}
