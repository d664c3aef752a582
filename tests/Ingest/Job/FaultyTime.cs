namespace Xkd.Ingest.Tests;

/// <summary>The system's time, but that measuring the time an item may take can fail: an error that comes from within the decoder.</summary>
/// <param name="fault">The error of the n-th such attempt, counted from 1; null lets it be.</param>
internal sealed class FaultyTime(Func<int, Exception?> fault) : TimeProvider
{
    /// <summary>Seconds an item may take, by which those attempts are known.</summary>
    public const int Seconds = 1234;

    private int _calls;

    /// <summary>Attempts so far.</summary>
    public int Calls => Volatile.Read(ref _calls);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        dueTime == TimeSpan.FromSeconds(Seconds) && fault(Interlocked.Increment(ref _calls)) is { } error ? throw error : base.CreateTimer(callback, state, dueTime, period);
}
