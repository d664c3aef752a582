namespace Xkd.Storage.Tests;

/// <summary>A clock that stands until it is moved. Timers run in the call that moves it past them.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<ManualTimer> _timers = [];
    private long _now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>Moves on by this much whenever the time is asked for: what waits then ends without waiting.</summary>
    public TimeSpan EachLook { get; set; }

    public override long GetTimestamp() => Interlocked.Add(ref _now, EachLook.Ticks);

    public override DateTimeOffset GetUtcNow() => new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).AddTicks(GetTimestamp());

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ManualTimer timer = new(this, () => callback(state), period);
        timer.Change(dueTime, period);
        lock (_gate)
        {
            _timers.Add(timer);
        }

        return timer;
    }

    public void Advance(TimeSpan by)
    {
        var now = Interlocked.Add(ref _now, by.Ticks);
        ManualTimer[] due;
        lock (_gate)
        {
            due = [.. _timers.Where(t => t.Due <= now)];
        }

        foreach (var timer in due)
        {
            timer.Fire(now);
        }
    }

    private sealed class ManualTimer(ManualTime time, Action run, TimeSpan period) : ITimer
    {
        private TimeSpan _period = period;

        public long Due { get; private set; } = long.MaxValue;

        public void Fire(long now)
        {
            Due = _period > TimeSpan.Zero ? now + _period.Ticks : long.MaxValue;
            run();
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _period = period;
            Due = dueTime < TimeSpan.Zero ? long.MaxValue : Interlocked.Read(ref time._now) + dueTime.Ticks;
            return true;
        }

        public void Dispose()
        {
            Due = long.MaxValue;
            lock (time._gate)
            {
                time._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
