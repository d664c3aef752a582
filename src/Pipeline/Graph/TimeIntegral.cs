namespace Xkd.Pipeline;

/// <summary>A count over time: knows its integral, exact at any moment, so that averages are weighted by time and not by events.</summary>
internal sealed class TimeIntegral(TimeProvider time)
{
    private readonly Lock _gate = new();
    private int _value;
    private double _seconds;
    private long _since;

    public void Add(int change)
    {
        lock (_gate)
        {
            Advance();
            _value += change;
        }
    }

    /// <summary>The integral so far, in units times seconds.</summary>
    public double Seconds()
    {
        lock (_gate)
        {
            Advance();
            return _seconds;
        }
    }

    private void Advance()
    {
        var now = time.GetTimestamp();
        if (_value != 0)
        {
            _seconds += _value * time.GetElapsedTime(_since, now).TotalSeconds;
        }

        _since = now;
    }
}
