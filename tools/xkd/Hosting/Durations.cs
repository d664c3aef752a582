using System.Globalization;

namespace Xkd.Cli.Hosting;

/// <summary>Times as a person reads them.</summary>
internal static class Durations
{
    /// <summary>The two largest units, without a second one of 0: <c>45s</c>, <c>1m46s</c>, <c>2h05m</c>, <c>7d</c>.</summary>
    public static string Text(TimeSpan time)
    {
        var seconds = (long)Math.Round(Math.Max(0, time.TotalSeconds));
        return seconds switch
        {
            < 60 => string.Create(CultureInfo.InvariantCulture, $"{seconds}s"),
            < 3600 => Two(seconds, 60, "m", 1, "s"),
            < 86_400 => Two(seconds, 3600, "h", 60, "m"),
            _ => Two(seconds, 86_400, "d", 3600, "h"),
        };
    }

    private static string Two(long seconds, long large, string largeName, long small, string smallName)
    {
        (var first, var second) = (seconds / large, seconds % large / small);
        return second == 0
            ? string.Create(CultureInfo.InvariantCulture, $"{first}{largeName}")
            : string.Create(CultureInfo.InvariantCulture, $"{first}{largeName}{second:d2}{smallName}");
    }
}
