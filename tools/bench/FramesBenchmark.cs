using System.Diagnostics;
using System.Globalization;
using Xkd.Ingest;
using Xkd.Storage;
using static Xkd.Pipeline.Samples;

namespace Xkd.Bench;

/// <summary>
/// Both ways to cache frames on the clips of a folder: bytes, what JPEG loses (PSNR over all values of all frames), and how fast windows of 32
/// frames are read, in one thread from the page cache, the two taking turns.
/// </summary>
internal static class FramesBenchmark
{
    private const int Window = 32;
    private const int Windows = 64;

    /// <param name="media">A folder of clips, labelled or not.</param>
    /// <param name="rounds">Turns of each side.</param>
    /// <param name="output">Receives the lines of the comparison.</param>
    public static async Task<int> RunAsync(string media, int rounds, TextWriter output)
    {
        var folder = Directory.CreateTempSubdirectory("xkd-frames-").FullName;
        try
        {
            var tools = FfmpegTools.Locate();
            var raw = await IngestAsync(tools, media, Path.Combine(folder, "raw"), FrameCodecs.Raw);
            var jpeg = await IngestAsync(tools, media, Path.Combine(folder, "jpeg"), FrameCodecs.Jpeg);
            using ClipReader rawReader = new(raw), jpegReader = new(jpeg);
            double error = 0, values = 0;
            foreach (var clip in raw.Clips.Where(c => c.NumFrames > 0))
            {
                var same = jpeg.Clips.Single(c => c.Id == clip.Id);
                var squares = SquaredError(Read(rawReader, clip), Read(jpegReader, same));
                var count = (double)clip.NumFrames * clip.FrameBytes;
                (error, values) = (error + squares, values + count);
                await output.WriteLineAsync(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{clip.Id}: {clip.NumFrames} frames of {clip.Width}×{clip.Height}; raw {clip.FramesBytes / clip.Duration / 1e3:f0} kB a second, JPEG {same.FramesBytes / clip.Duration / 1e3:f0} kB (1/{(double)clip.FramesBytes / same.FramesBytes:f1}), PSNR {Psnr(squares / count):f1} dB"));
            }

            List<double> rawRates = [], jpegRates = [];
            for (var round = -1; round < rounds; round++)
            {
                double fromRaw = Rate(rawReader, raw), fromJpeg = Rate(jpegReader, jpeg);
                if (round >= 0)
                {
                    rawRates.Add(fromRaw);
                    jpegRates.Add(fromJpeg);
                }
            }

            double rawBytes = raw.Clips.Sum(c => (double)c.FramesBytes), jpegBytes = jpeg.Clips.Sum(c => (double)c.FramesBytes);
            await output.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"all: raw {rawBytes / 1e6:f1} MB, JPEG {jpegBytes / 1e6:f1} MB (1/{rawBytes / jpegBytes:f1}), PSNR {Psnr(error / values):f1} dB; windows of {Window} frames a second, one thread: raw {Median(rawRates):f0}, JPEG {Median(jpegRates):f0} by {(JpegFrames.IsFast ? "the system's libjpeg-turbo" : "SkiaSharp")}"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        return 0;
    }

    private static async Task<Cache> IngestAsync(FfmpegTools tools, string media, string cache, string codec)
    {
        IngestOptions options = new() { Root = media, Out = cache, Frames = codec, OnMissing = MissingPolicy.Keep };
        await new IngestJob(options, tools, TimeProvider.System).RunAsync(progress: null, CancellationToken.None);
        return Cache.Open(cache);
    }

    private static byte[] Read(ClipReader reader, ClipEntry clip)
    {
        var frames = new byte[clip.NumFrames * clip.FrameBytes];
        reader.ReadFrames(clip, 0, clip.NumFrames, frames);
        return frames;
    }

    private static double SquaredError(byte[] one, byte[] other)
    {
        long sum = 0;
        for (var i = 0; i < one.Length; i++)
        {
            var gap = one[i] - other[i];
            sum += gap * gap;
        }

        return sum;
    }

    private static double Psnr(double meanSquare) => 10 * Math.Log10(255 * 255 / meanSquare);

    private static double Rate(ClipReader reader, Cache cache)
    {
        ClipEntry[] clips = [.. cache.Clips.Where(c => c.NumFrames >= Window)];
        var frames = new byte[Window * clips.Max(c => c.FrameBytes)];
        Random random = new(3);
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < Windows; i++)
        {
            var clip = clips[i % clips.Length];
            reader.ReadFrames(clip, random.Next(clip.NumFrames - Window + 1), Window, frames);
        }

        return Windows / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
