using System.Diagnostics;

namespace Xkd.Ingest;

/// <summary>What ffmpeg takes by itself: one process a file, the outputs that ingest prepares, all of it thrown away.</summary>
public static class BareFfmpeg
{
    /// <summary>Decodes every file and returns the wall time and the CPU milliseconds a file took.</summary>
    /// <param name="tools">The ffmpeg to run.</param>
    /// <param name="files">Files with video and audio.</param>
    /// <param name="options">Rate and size; <see cref="IngestOptions.Workers"/> processes at a time.</param>
    /// <param name="cancellationToken">Ends the processes.</param>
    /// <exception cref="Xkd.Storage.FailureException">A file does not decode.</exception>
    public static async Task<(TimeSpan Wall, double CpuMsPerFile)> RunAsync(
        FfmpegTools tools, IReadOnlyList<string> files, IngestOptions options, CancellationToken cancellationToken)
    {
        var decode = new DecodeOptions { Fps = options.Fps, ShortSide = options.ShortSide };
        var (ffmpeg, probe) = (new FfmpegProcess(tools), new MediaProbe(tools));
        var plans = new List<DecodePlan>();
        foreach (var file in files)
        {
            var (info, failure) = await probe.ProbeAsync(file, cancellationToken);
            plans.Add(info is { Video: [var video, ..], Audio: [var audio, ..] }
                ? new DecodePlan { Item = new SourceItem { Id = file, Path = file }, Options = decode, Video = video, Audio = audio }
                : throw new Xkd.Storage.FailureException($"{file} does not decode: {failure?.Detail ?? "it lacks a picture, or sound"}"));
        }

        var parallel = new ParallelOptions { MaxDegreeOfParallelism = options.Workers > 0 ? options.Workers : Environment.ProcessorCount, CancellationToken = cancellationToken };
        var (cpu, started) = (CpuClock.Milliseconds(), Stopwatch.GetTimestamp());
        await Parallel.ForEachAsync(plans, parallel, async (plan, token) =>
        {
            var log = new FfmpegLog();
            if (await ffmpeg.RunAsync(_ => plan.Arguments(["/dev/null", "/dev/null"]), [], log.Add, token) != 0)
            {
                throw new Xkd.Storage.FailureException($"{plan.Item.Path} does not decode: {string.Join("; ", log.Errors)}");
            }
        });
        return (Stopwatch.GetElapsedTime(started), (CpuClock.Milliseconds() - cpu) / files.Count);
    }
}
