namespace Xkd.Cli.Hosting;

/// <summary>
/// Progress of a known or growing amount of work: on a terminal one line that redraws with a bar, rate and ETA; otherwise one
/// plain line per interval.
/// </summary>
internal sealed class ProgressLine(Terminal terminal, string what, TimeProvider time, TimeSpan plainInterval)
{
    private const int BarWidth = 30;
    private static readonly TimeSpan RedrawInterval = TimeSpan.FromMilliseconds(200);

    private readonly long _start = time.GetTimestamp();
    private readonly Lock _gate = new();
    private long _last;

    /// <summary>Shows <paramref name="done"/> of <paramref name="total"/> (0 when unknown), at most once per interval.</summary>
    public void Report(long done, long total, string? note = null) => Report(done, total, Rate(done), Remaining(done, total), note);

    /// <summary>The same where some of what is done was there before, so that rate and ETA are not of all.</summary>
    /// <param name="done">Done by now.</param>
    /// <param name="total">Of so many; 0 when unknown.</param>
    /// <param name="rate">A second.</param>
    /// <param name="remaining">What the rest will take; null when unknown.</param>
    /// <param name="note">What else there is to say.</param>
    public void Report(long done, long total, double rate, TimeSpan? remaining, string? note = null)
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            var interval = terminal.IsInteractive ? RedrawInterval : plainInterval;
            if (_last != 0 && time.GetElapsedTime(_last, now) < interval)
            {
                return;
            }

            if (_last == 0 && !terminal.IsInteractive)
            {
                _last = now; // the first plain line comes after an interval, when there is a rate to state
                return;
            }

            _last = now;
            var text = Text(done, total, rate, remaining, note);
            if (terminal.IsInteractive)
            {
                terminal.Draw(text);
            }
            else
            {
                terminal.Line(text);
            }
        }
    }

    /// <summary>The closing state, always shown.</summary>
    public void Finish(long done, long total, string? note = null) => Finish(done, total, Rate(done), note);

    /// <summary>The closing state, always shown, with a rate that is not of all that is done.</summary>
    public void Finish(long done, long total, double rate, string? note = null)
    {
        lock (_gate)
        {
            terminal.Result(Text(done, total, rate, remaining: null, note));
        }
    }

    /// <summary>One line of progress, without what came before and without the bar.</summary>
    internal static string Figures(long done, long total, double rate, TimeSpan? remaining, string? note)
    {
        // Rounded down: only what is done is 100 %.
        var share = total > 0 ? $" {Math.Floor(100.0 * done / total),3:f0}%" : string.Empty;
        var eta = remaining is { } left && left > TimeSpan.Zero ? $", ETA {Durations.Text(left)}" : string.Empty;
        return $"{share} {done}{(total > 0 ? $"/{total}" : string.Empty)}, {rate:f1}/s{eta}{(note is null ? string.Empty : ", " + note)}";
    }

    private string Text(long done, long total, double rate, TimeSpan? remaining, string? note)
    {
        var bar = terminal.IsInteractive && total > 0 ? " " + Bar((double)done / total) : string.Empty;
        return $"{what}{bar}{Figures(done, total, rate, remaining, note)}";
    }

    private double Rate(long done) => done / Math.Max(time.GetElapsedTime(_start).TotalSeconds, 1e-3);

    private TimeSpan? Remaining(long done, long total) => total > done && done > 0 ? TimeSpan.FromSeconds((total - done) / Rate(done)) : null;

    private static string Bar(double share)
    {
        var filled = (int)Math.Round(Math.Clamp(share, 0, 1) * BarWidth);
        return new string('█', filled) + new string('░', BarWidth - filled);
    }
}
