using System.Globalization;
using Xkd.Model.Method;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Cli.Profiling;

/// <summary>A cache into augmented batches, nothing trained.</summary>
internal static class LoaderProfile
{
    public const int Batch = 8;
    private const int Steps = 40;
    private const int Spans = 1 << 16;

    public static async Task<ProfileOutcome> RunAsync(Cache cache, ProfileOptions options, CancellationToken stop)
    {
        var feed = Feed(cache, options);
        var outcome = await MeasureAsync(cache, feed, stop).ConfigureAwait(false);
        if (cache.Manifest.Fingerprint.FramesCodec == FrameCodecs.Jpeg && JpegFrames.Shortfall is { } shortfall)
        {
            outcome = outcome with { Notes = [.. outcome.Notes, shortfall] };
        }

        if (!options.Sweep)
        {
            return outcome;
        }

        List<IReadOnlyDictionary<string, object>> sweep = [];
        List<string> notes = [.. outcome.Notes];
        foreach (var workers in WorkerCounts())
        {
            var one = await MeasureAsync(cache, feed with { Workers = workers, Readers = workers }, stop).ConfigureAwait(false);
            sweep.Add(new Dictionary<string, object>(StringComparer.Ordinal)
            {
                ["workers"] = workers, ["samples_per_s"] = one.Rate, ["bottleneck"] = one.Report.Bottleneck, ["stages"] = one.Report.Stages, ["wait_ratios"] = one.Report.WaitRatios,
            });
            notes.Add(string.Create(CultureInfo.InvariantCulture, $"{workers} workers: {one.Rate:f1} samples/s, {one.Report.Remedy}"));
        }

        return outcome with { Sweep = sweep, Notes = notes };
    }

    private static FeedOptions Feed(Cache cache, ProfileOptions options)
    {
        PipelineGraphOptions diagnostics = new() { StageDelays = options.Delays, TraceCapacity = Spans };
        if (options.Config is not { } path)
        {
            return new FeedOptions { BatchSize = Math.Min(Batch, cache.Clips.Count), Diagnostics = diagnostics };
        }

        var config = PretrainConfig.Load(path, options.Set);
        (var mean, var std) = config.MelScale(cache.Mel);
        return config.ToFeed(mean, std, diagnostics);
    }

    private static async Task<ProfileOutcome> MeasureAsync(Cache cache, FeedOptions feed, CancellationToken stop)
    {
        ClipFeed reader = new(cache, feed);
        await using (reader.ConfigureAwait(false))
        {
            await foreach (var warm in reader.ReadAsync(0, 2, cancellationToken: stop).ConfigureAwait(false))
            {
                warm.Dispose(); // compiles the kernels and fills the page cache
            }

            long samples = 0;
            await foreach (var batch in reader.ReadAsync(0, Steps, cancellationToken: stop).ConfigureAwait(false))
            {
                samples += batch.Size;
                batch.Dispose();
            }

            var report = reader.Report();
            MemoryStream trace = new();
            reader.WriteTrace(trace);
            return new ProfileOutcome
            {
                What = "loader", Samples = samples, Threads = feed.Workers > 0 ? feed.Workers : Environment.ProcessorCount, Report = report, WriteTrace = trace.WriteTo,
                Notes = [string.Create(CultureInfo.InvariantCulture, $"{samples / report.Seconds:f1} samples/s of {reader.BatchBytes / feed.BatchSize / 1e6:f1} MB, nothing trained")],
            };
        }
    }

    private static IEnumerable<int> WorkerCounts()
    {
        for (var workers = 1; workers <= 2 * Environment.ProcessorCount; workers *= 2)
        {
            yield return workers;
        }
    }
}
