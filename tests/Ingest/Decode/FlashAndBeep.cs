using System.Globalization;
using System.Runtime.InteropServices;

namespace Xkd.Ingest.Tests;

/// <summary>
/// A source whose picture flashes white while its sound beeps: at its start, middle and end. Where each flash and each beep begins is what
/// a decoder made of the source's clock.
/// </summary>
internal static class FlashAndBeep
{
    /// <summary>Seconds from an event to its end.</summary>
    private const double Length = 0.25;

    /// <summary>When something happens, seconds. The source lasts 4 s.</summary>
    public static IReadOnlyList<double> Events { get; } = [0.5, 2, 3.5];

    private static string During { get; } = string.Join('+', Events.Select(static at => string.Create(CultureInfo.InvariantCulture, $"between(t,{at},{at + Length - 0.001})")));

    /// <summary>The picture, as ffmpeg's input.</summary>
    /// <param name="rate">Frames a second.</param>
    /// <param name="then">More filters, with their comma in front.</param>
    public static string Picture(string rate = "25", string then = "") =>
        $"-f lavfi -i color=black:size=64x48:rate={rate}:duration=4,drawbox=color=white:t=fill:enable='{During}'{then}";

    /// <summary>The sound, as ffmpeg's input.</summary>
    /// <param name="then">More filters, with their comma in front.</param>
    public static string Sound(string then = "") => $"-f lavfi -i aevalsrc='if({During},0.5*sin(2*PI*1000*t),0)':s=44100:d=4{then}";

    /// <summary>Where flashes begin, seconds: the frames that are bright after one that is not.</summary>
    public static IReadOnlyList<double> Flashes(DecodedMedia media, double fps = 8)
    {
        var bright = Enumerable.Range(0, media.NumFrames).Select(n => media.Frames.Read(((long)n * media.FrameBytes) + (media.FrameBytes / 2), 1).Span[0] > 127).ToList();
        return [.. Enumerable.Range(0, bright.Count).Where(n => bright[n] && (n == 0 || !bright[n - 1])).Select(n => n / fps)];
    }

    /// <summary>Where beeps begin, seconds: the samples that sound after a tenth of a second that does not.</summary>
    public static IReadOnlyList<double> Beeps(DecodedMedia media, int rate = 16000)
    {
        var samples = MemoryMarshal.Cast<byte, float>(media.Samples.Read(0, checked((int)media.Samples.Length)).Span);
        List<double> found = [];
        var quiet = rate;
        for (var i = 0; i < samples.Length; i++)
        {
            quiet++;
            if (Math.Abs(samples[i]) > 0.05f)
            {
                if (quiet > rate / 10)
                {
                    found.Add((double)i / rate);
                }

                quiet = 0;
            }
        }

        return found;
    }
}
