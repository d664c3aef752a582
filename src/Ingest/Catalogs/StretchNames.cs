using System.Globalization;

namespace Xkd.Ingest;

/// <summary>
/// The names that downloaders give to a stretch of a video: the video's id, with or without a 'Y' before it, and the start, or start and end, in one of
/// several spellings.
/// </summary>
internal static class StretchNames
{
    private static readonly string[] Prefixes = ["", "Y"];

    /// <summary>Takes the stretch's file; null when there is none.</summary>
    /// <param name="media">The files.</param>
    /// <param name="video">The video's id.</param>
    /// <param name="start">Seconds.</param>
    /// <param name="end">Seconds.</param>
    /// <param name="bare">The name is the video's id alone: the file may be the whole video or the stretch.</param>
    public static MediaFile? Take(MediaFiles media, string video, double start, double end, out bool bare)
    {
        bare = false;
        Span<char> name = stackalloc char[256];
        foreach (var prefix in Prefixes)
        {
            if (Spelled(media, name, prefix, video, start, end) is { } file)
            {
                return file;
            }

            if (name.TryWrite($"{prefix}{video}", out var length) && media.Take(name[..length]) is { } whole)
            {
                bare = true;
                return whole;
            }
        }

        return null;
    }

    // 30000, 30, 30.000, 000030, 30.0: milliseconds; whole seconds, the rest cut off; and what languages print.
    private static MediaFile? Spelled(MediaFiles media, Span<char> name, string prefix, string video, double start, double end)
    {
        var culture = CultureInfo.InvariantCulture;
        var (startMs, endMs) = ((long)Math.Round(start * 1000), (long)Math.Round(end * 1000));
        var (startS, endS) = ((long)start, (long)end);
        int n;
        return (name.TryWrite(culture, $"{prefix}{video}_{startMs}", out n) ? media.Take(name[..n]) : null)
            ?? (name.TryWrite(culture, $"{prefix}{video}_{startMs}_{endMs}", out n) ? media.Take(name[..n]) : null)
            ?? (name.TryWrite(culture, $"{prefix}{video}_{startS}", out n) ? media.Take(name[..n]) : null)
            ?? (name.TryWrite(culture, $"{prefix}{video}_{startS}_{endS}", out n) ? media.Take(name[..n]) : null)
            ?? (name.TryWrite(culture, $"{prefix}{video}_{startS:D6}", out n) ? media.Take(name[..n]) : null)
            ?? (name.TryWrite(culture, $"{prefix}{video}_{startS:D6}_{endS:D6}", out n) ? media.Take(name[..n]) : null)
            ?? (name.TryWrite(culture, $"{prefix}{video}_{start:F3}", out n) ? media.Take(name[..n]) : null)
            ?? (name.TryWrite(culture, $"{prefix}{video}_{start:F3}_{end:F3}", out n) ? media.Take(name[..n]) : null)
            ?? (name.TryWrite(culture, $"{prefix}{video}_{start:0.0##}", out n) ? media.Take(name[..n]) : null)
            ?? (name.TryWrite(culture, $"{prefix}{video}_{start:0.0##}_{end:0.0##}", out n) ? media.Take(name[..n]) : null);
    }
}
