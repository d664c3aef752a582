using Spectre.Console;

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
    public void Report(long done, long total, string? note = null)
    {
        lock (_gate)
        {
            long now = time.GetTimestamp();
            TimeSpan interval = terminal.IsInteractive ? RedrawInterval : plainInterval;
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
            Write(Text(done, total, note));
        }
    }

    /// <summary>The closing state, always shown.</summary>
    public void Finish(long done, long total, string? note = null)
    {
        lock (_gate)
        {
            Write(Text(done, total, note));
            if (terminal.IsInteractive)
            {
                Console.Out.WriteLine();
            }
        }
    }

    private string Text(long done, long total, string? note)
    {
        double seconds = Math.Max(time.GetElapsedTime(_start).TotalSeconds, 1e-3);
        double rate = done / seconds;
        string eta = total > done && rate > 0 ? $", ETA {TimeSpan.FromSeconds((total - done) / rate):hh\\:mm\\:ss}" : string.Empty;
        string share = total > 0 ? $" {100.0 * done / total,3:f0}%" : string.Empty;
        string bar = terminal.IsInteractive && total > 0 ? " " + Bar((double)done / total) : string.Empty;
        return $"{what}{bar}{share} {done}{(total > 0 ? $"/{total}" : string.Empty)}, {rate:f1}/s{eta}{(note is null ? string.Empty : ", " + note)}";
    }

    private void Write(string text)
    {
        if (terminal.IsInteractive)
        {
            int width = Math.Max(20, AnsiConsole.Profile.Width - 1);
            Console.Out.Write("\r" + (text.Length > width ? text[..width] : text.PadRight(width)));
        }
        else
        {
            terminal.Line(text);
        }
    }

    private static string Bar(double share)
    {
        int filled = (int)Math.Round(Math.Clamp(share, 0, 1) * BarWidth);
        return new string('█', filled) + new string('░', BarWidth - filled);
    }
}
