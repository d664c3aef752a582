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
        var (exitCode, json, errors) = await _process.RunAsync(path, cancellationToken);
        if (exitCode != 0)
        {
            return (null, FailureClassifier.Unopened(path, errors));
        }

        try
        {
            var analysis = FFProbe.FromJson(json);

            // Matroska's durations are the times of the streams' ends, whenever they begin.
            var begins = analysis.Format.FormatName.Contains("matroska", StringComparison.Ordinal) ? analysis.Format.StartTime : TimeSpan.Zero;
            var video = analysis.VideoStreams.Where(static stream => !Is(stream, "attached_pic")).Select(stream => ToVideo(stream, begins)).ToList();
            var audio = analysis.AudioStreams.Select(stream => new AudioInfo(stream.Index, stream.Channels ?? 0, stream.SampleRateHz ?? 0, Is(stream, "default"), Seconds(stream.Duration - begins), Math.Max(0, (stream.StartTime - analysis.Format.StartTime).TotalSeconds)));
            return (new MediaInfo(Seconds(analysis.Format.Duration - begins), video, [.. audio]), null);
        }
        catch (Exception exception) when (exception is FFProbeException or System.Text.Json.JsonException)
        {
            return (null, new ItemFailure(FailureStages.Probe, FailureReasons.Corrupt, exception.Message));
        }
    }

    private static VideoInfo ToVideo(VideoStream stream, TimeSpan begins)
    {
        var (width, height) = (stream.Width ?? 0, stream.Height ?? 0);
        var turned = Math.Abs(stream.Rotation) % 180 == 90;
        return new VideoInfo(stream.Index, turned ? height : width, turned ? width : height, Is(stream, "default"), Seconds(stream.Duration - begins));
    }

    private static bool Is(MediaStream stream, string disposition) => stream.Disposition is not null && stream.Disposition.TryGetValue(disposition, out var set) && set;

    private static double? Seconds(TimeSpan duration) => duration > TimeSpan.Zero ? DeclaredDuration.Believed(duration.TotalSeconds) : null;
}
