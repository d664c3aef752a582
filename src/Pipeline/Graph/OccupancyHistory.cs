namespace Xkd.Pipeline;

/// <summary>
/// Queues and workers over the whole of a run in fixed space: averages over intervals that are joined in pairs, and get twice as long,
/// whenever there are too many. What is averaged are integrals, so nothing between two looks is missed.
/// </summary>
internal sealed class OccupancyHistory : IDisposable
{
    private const int Most = 512;
    private static readonly TimeSpan Finest = TimeSpan.FromMilliseconds(50);

    private readonly Lock _gate = new();
    private readonly IReadOnlyList<StageMeter> _stages;
    private readonly TimeProvider _time;
    private readonly long _started;
    private readonly List<OccupancySample> _samples = [];
    private readonly double[] _queued;
    private readonly double[] _busy;
    private readonly ITimer _timer;
    private double _interval = Finest.TotalSeconds;
    private double _last;

    public OccupancyHistory(IReadOnlyList<StageMeter> stages, TimeProvider time, long started)
    {
        (_stages, _time, _started) = (stages, time, started);
        (_queued, _busy) = (new double[stages.Count], new double[stages.Count]);
        _timer = time.CreateTimer(_ => Look(), state: null, Finest, Finest);
    }

    /// <summary>The intervals so far, in order.</summary>
    public IReadOnlyList<OccupancySample> Samples
    {
        get
        {
            lock (_gate)
            {
                return [.. _samples];
            }
        }
    }

    /// <summary>Takes down the last interval and looks no more.</summary>
    public void Dispose()
    {
        _timer.Dispose();
        lock (_gate)
        {
            Take(_time.GetElapsedTime(_started).TotalSeconds);
        }
    }

    private void Look()
    {
        lock (_gate)
        {
            var now = _time.GetElapsedTime(_started).TotalSeconds;
            if (now - _last >= 0.9 * _interval)
            {
                Take(now);
            }
        }
    }

    private void Take(double now)
    {
        var length = now - _last;
        if (length <= 0)
        {
            return;
        }

        double[] occupancy = new double[_stages.Count], busy = new double[_stages.Count];
        for (var i = 0; i < _stages.Count; i++)
        {
            (var queuedSeconds, var busySeconds) = (_stages[i].QueuedSeconds, _stages[i].BusySeconds);
            occupancy[i] = Math.Clamp((queuedSeconds - _queued[i]) / (length * _stages[i].QueueCapacity), 0, 1);
            busy[i] = Math.Clamp((busySeconds - _busy[i]) / (length * _stages[i].Parallelism), 0, 1);
            (_queued[i], _busy[i]) = (queuedSeconds, busySeconds);
        }

        _samples.Add(new OccupancySample(_last, now, occupancy, busy));
        _last = now;
        if (_samples.Count == Most)
        {
            OccupancySample[] halved = [.. _samples.Chunk(2).Select(pair => Join(pair[0], pair[1]))];
            _samples.Clear();
            _samples.AddRange(halved);
            _interval *= 2;
        }
    }

    private static OccupancySample Join(OccupancySample a, OccupancySample b)
    {
        var share = (a.End - a.Start) / (b.End - a.Start);
        return new OccupancySample(a.Start, b.End, Mean(a.Occupancy, b.Occupancy), Mean(a.Busy, b.Busy));

        double[] Mean(IReadOnlyList<double> x, IReadOnlyList<double> y) => [.. x.Zip(y, (one, two) => (share * one) + ((1 - share) * two))];
    }
}
