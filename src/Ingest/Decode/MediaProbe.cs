using System.Globalization;
using System.Text.Json;
using FFMpegCore;
using FFMpegCore.Exceptions;
using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>Asks ffprobe about a file.</summary>
internal sealed class MediaProbe(FfmpegTools tools)
{
    private readonly FfprobeProcess _process = new(tools);

    /// <summary>The file's streams, or why they cannot be read.</summary>
    /// <exception cref="FailureException">ffprobe does not start.</exception>
    public async Task<(MediaInfo? Info, ItemFailure? Failure)> ProbeAsync(string path, CancellationToken cancellationToken)
    {
        var (info, known, failure) = await DescribeAsync(path, far: false, cancellationToken);
        if (!known)
        {
            (info, _, failure) = await DescribeAsync(path, far: true, cancellationToken);
        }

        return (info, failure);
    }

    // Known: of each stream the size, or the rate, could be told.
    private async Task<(MediaInfo? Info, bool Known, ItemFailure? Failure)> DescribeAsync(string path, bool far, CancellationToken cancellationToken)
    {
        var log = new FfmpegLog();
        var (exitCode, json) = await _process.DescribeAsync(path, far, log, cancellationToken);
        if (exitCode != 0)
        {
            return (null, true, FailureClassifier.Unopened(path, log.Errors));
        }

        try
        {
            var analysis = FFProbe.FromJson(json);
            var known = analysis.VideoStreams.All(static stream => stream.Width > 0) && analysis.AudioStreams.All(static stream => stream.SampleRateHz > 0);
            return (ToInfo(analysis, json, log.EstimatesDuration), known, null);
        }
        catch (Exception exception) when (exception is FFProbeException or JsonException)
        {
            return (null, true, new ItemFailure(FailureStages.Probe, FailureReasons.Corrupt, exception.Message));
        }
    }

    /// <summary>Seconds from the file's first packet to the end of its last one: what no header has to be believed for. Null where no packet has a time.</summary>
    /// <exception cref="FailureException">ffprobe does not start.</exception>
    public async Task<double?> MeasureAsync(string path, CancellationToken cancellationToken)
    {
        var (first, end) = (double.PositiveInfinity, double.NegativeInfinity);
        await _process.ReadPacketsAsync(path, stream: null, Take, cancellationToken);
        return end > first ? DeclaredDuration.Believed(end - first) : null;

        void Take(string line)
        {
            var fields = line.Split(',');
            if ((Time(fields, 0) ?? Time(fields, 1)) is { } time)
            {
                (first, end) = (Math.Min(first, time), Math.Max(end, time + (Time(fields, 2) ?? 0)));
            }
        }

        // "N/A" where a packet has none.
        static double? Time(string[] fields, int index) => index < fields.Length ? Number(fields[index]) : null;
    }

    /// <summary>Whether a stream has any packet: containers declare tracks that hold nothing.</summary>
    /// <exception cref="FailureException">ffprobe does not start.</exception>
    public async Task<bool> HasPacketsAsync(string path, int stream, CancellationToken cancellationToken)
    {
        var any = false;
        await _process.ReadPacketsAsync(path, stream, _ => any = true, cancellationToken);
        return any;
    }

    private static MediaInfo ToInfo(IMediaAnalysis analysis, string json, bool estimates)
    {
        var format = analysis.Format.FormatName;
        var delays = format is "avi" ? Delays(json) : [];

        // Matroska's durations are the times of the streams' ends, whenever they begin.
        var begins = format.Contains("matroska", StringComparison.Ordinal) ? analysis.Format.StartTime : TimeSpan.Zero;
        var video = analysis.VideoStreams
            .Where(static stream => !Is(stream, "attached_pic") && stream is { Width: > 0, Height: > 0 })
            .OrderByDescending(static stream => Is(stream, "default")).ThenByDescending(static stream => (long)stream.Width! * stream.Height!)
            .Select(ToVideo);
        var audio = analysis.AudioStreams
            .Where(static stream => stream is { Channels: > 0, SampleRateHz: > 0 })
            .OrderByDescending(static stream => Is(stream, "default")).ThenByDescending(static stream => stream.Channels).ThenByDescending(static stream => stream.SampleRateHz)
            .Select(stream => new AudioInfo(
                stream.Index, stream.Channels!.Value, stream.ChannelLayout is { Length: > 0 } layout and not "unknown" ? layout : null,
                Own(stream), Math.Max(0, (stream.StartTime - analysis.Format.StartTime).TotalSeconds)));
        var unknown = analysis.VideoStreams.Where(static stream => stream is not { Width: > 0, Height: > 0 }).Select(static stream => (stream.Index, IsVideo: true))
            .Concat(analysis.AudioStreams.Where(static stream => stream is not { Channels: > 0, SampleRateHz: > 0 }).Select(static stream => (stream.Index, IsVideo: false)));
        return new MediaInfo(format, Seconds(analysis.Format.Duration - begins), estimates || format is "mpegts" or "mpeg", [.. video], [.. audio], [.. unknown]);

        // Where streams declare none, libavformat gives them the container's. Matroska's tags have it, of streams that hold nothing too.
        double? Own(MediaStream stream) => format switch
        {
            "flv" or "live_flv" or "mpegts" or "mpeg" or "nut" => null,
            "matroska,webm" => stream.Tags?.FirstOrDefault(static tag => tag.Key.StartsWith("DURATION", StringComparison.OrdinalIgnoreCase)).Value is { } ends
                && ends.Split(':') is [var hours, var minutes, var seconds] && Number(hours) is { } h && Number(minutes) is { } m && Number(seconds) is { } s
                ? Believed((((h * 60) + m) * 60) + s - begins.TotalSeconds) : null,
            _ => Seconds(stream.Duration),
        };

        VideoInfo ToVideo(VideoStream stream)
        {
            var (width, height) = (stream.Width!.Value, stream.Height!.Value);
            var turned = Math.Abs(Math.Abs(stream.Rotation) % 180 - 90) < 1; // as near as ffmpeg takes it for a quarter turn
            return new VideoInfo(stream.Index, turned ? height : width, turned ? width : height, Own(stream), delays.GetValueOrDefault(stream.Index));
        }
    }

    // Seconds for which each stream's decoder holds pictures back, to put them in order; FFMpegCore leaves that out.
    private static Dictionary<int, double> Delays(string json)
    {
        using var document = JsonDocument.Parse(json);
        var delays = new Dictionary<int, double>();
        foreach (var stream in document.RootElement.GetProperty("streams").EnumerateArray())
        {
            if (stream.TryGetProperty("has_b_frames", out var held) && stream.GetProperty("r_frame_rate").GetString()!.Split('/') is [var frames, var seconds]
                && double.Parse(frames, CultureInfo.InvariantCulture) is var rate and > 0)
            {
                delays[stream.GetProperty("index").GetInt32()] = held.GetInt32() * double.Parse(seconds, CultureInfo.InvariantCulture) / rate;
            }
        }

        return delays;
    }

    private static bool Is(MediaStream stream, string disposition) => stream.Disposition is not null && stream.Disposition.TryGetValue(disposition, out var set) && set;

    private static double? Number(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static double? Seconds(TimeSpan duration) => Believed(duration.TotalSeconds);

    private static double? Believed(double seconds) => seconds > 0 ? DeclaredDuration.Believed(seconds) : null;
}
