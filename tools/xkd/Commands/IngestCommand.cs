using System.CommandLine;
using System.Globalization;
using Xkd.Cli.Hosting;
using Xkd.Ingest;
using Xkd.Model.Method;
using Xkd.Storage;

namespace Xkd.Cli.Commands;

/// <summary><c>xkd ingest</c>: media into a cache.</summary>
internal static class IngestCommand
{
    private const double WorthATable = 30;

    private const int Few = 10_000;

    public static Command Create()
    {
        Option<string?> dataset = new("--dataset") { Description = $"One of {string.Join(", ", DatasetRegistry.Names)}." };
        Option<string?> root = new("--root") { Description = "The dataset's folder." };
        var output = Outputs.Cache(
            new Option<string?>("--out") { Description = "The cache, a folder or s3://bucket/prefix; the same command again does only what is missing." });
        Option<string?> merge = new("--merge") { Description = "Merge the parts of a cache that several processes wrote." };
        Option<string?> split = new("--split") { Description = "Only this split." };
        Option<string?> annotations = new("--annotations") { Description = "The annotation file or folder, where it is not in its usual place." };
        Option<bool> strict = new("--strict") { Description = "Of --dataset folder: documents, pictures and the like are items too, which fail, and not ignored." };
        var frames = CommonOptions.Choice("--frames", "How frames are cached.", "raw", "jpeg");
        var audio = CommonOptions.Choice("--audio", "How audio is cached.", "mel", "pcm");
        var mel = CommonOptions.Choice("--mel", "The log-mel implementation.", "simd", "nwaves");
        var modalities = CommonOptions.Choice("--modalities", "What is decoded; auto asks the dataset.", "auto", "av", "video", "audio");
        var onMissing = CommonOptions.Choice("--on-missing", "A source that lacks a modality fails (drop), gets silence or black frames (pad), or is kept with the one it has (keep); so it is with a segment of a long source, which drop leaves out with a warning.", "drop", "pad", "keep");
        var shortSide = Numbers.Option("--short-side", "Short side of the cached frames, pixels.", new NumberRange(16, 4096), 112);
        var fps = Numbers.Option("--fps", "Cached frames per second.", new NumberRange(0, 240, above: true), 8.0);
        var maxClip = Numbers.Option("--max-clip", "Longer sources are cut into segments of this many seconds.", new NumberRange(1, 1_000_000), 60.0);
        var workers = Numbers.Option("--workers", "Sources decoded at a time; 0: one per core.", new NumberRange(0, 1024), 0);
        Option<ByteSize?> budget = new("--memory-budget") { Description = "Decoded payload queued and in flight; by default 1GiB, or more where there are over 40 workers.", CustomParser = result => Sizes.Parse(result) };
        var timeout = Numbers.Option("--item-timeout", "Seconds one source may take.", new NumberRange(0, 2_500_000, above: true), 600.0);
        var maxPixels = Numbers.Option("--max-pixels", "Pixels a source's picture has at most; a larger one fails as too-large.", new NumberRange(1, int.MaxValue), 36_000_000);
        var maxAspect = Numbers.Option("--max-aspect", "A picture's long side is at most so many times its short one.", new NumberRange(1, 10_000), 32.0);
        Option<ByteSize> maxDecoded = new("--max-decoded")
        {
            Description = "Bytes that one source's frames and samples take at most, decoded; 16GiB is eight hours of 16:9.",
            DefaultValueFactory = _ => new ByteSize(16L << 30),
            CustomParser = Sizes.Parse,
        };
        Option<Partition> partition = new("--partition")
        {
            Description = "This process's part of the items, i/n; auto takes both from SLURM or MPI, auto/n the part alone, from Kubernetes too.",
            DefaultValueFactory = _ => new Partition(1, 1),
            CustomParser = Sizes.ParsePartition,
        };
        Option<bool> retryFailed = new("--retry-failed") { Description = "Redo the items that failed before." };
        var changed = CommonOptions.Choice(
            "--changed",
            "A file changed or moved since ingest: the cached clips stay (keep), are replaced by decoding again (replace), or a change ends the run (fail).",
            "keep", "replace", "fail");
        var gone = CommonOptions.Choice("--gone", "A file is gone: the cached clips stay (keep) or are removed (remove).", "keep", "remove");
        Option<bool> dryRun = new("--dry-run")
        {
            Description = "Write nothing: say what would be done, and estimate clips, bytes and time from a few files, decoded for at most 10 s.",
        };
        Option<bool> profile = new("--profile") { Description = "Show what every stage measured." };
        var otlp = Telemetry.Option();
        var delays = CommonOptions.DelayStage();
        var json = CommonOptions.Json();

        Command command = new("ingest", "Decode media once into a cache of frames and log-mel spectrograms.")
        {
            dataset, root, output, merge, split, annotations, strict, frames, audio, mel, modalities, onMissing, shortSide, fps, maxClip, workers, budget, timeout, maxPixels, maxAspect, maxDecoded,
            partition, retryFailed, changed, gone, dryRun, profile, otlp, delays, json,
        };
        command.SetAction(async (parsed, _) =>
        {
            if (parsed.GetValue(merge) is string cache)
            {
                return await MergeAsync(cache, Terminal.Of(parsed, json)).ConfigureAwait(false);
            }

            IngestOptions options = new()
            {
                Dataset = parsed.GetValue(dataset) ?? throw new UsageException($"--dataset is missing; write --dataset and one of {string.Join(", ", DatasetRegistry.Names)}"),
                Root = parsed.GetValue(root) ?? throw new UsageException("--root is missing; write --root and the dataset's folder"),
                Out = parsed.GetValue(output) ?? throw new UsageException("--out is missing; write --out and the cache folder to make"),
                Split = parsed.GetValue(split),
                Annotations = parsed.GetValue(annotations),
                Strict = parsed.GetValue(strict),
                Frames = parsed.GetValue(frames)!,
                Audio = parsed.GetValue(audio)!,
                Mel = parsed.GetValue(mel)!,
                Modalities = parsed.GetValue(modalities) switch { "av" => Modalities.AudioVideo, "video" => Modalities.Video, "audio" => Modalities.Audio, _ => Modalities.Auto },
                OnMissing = parsed.GetValue(onMissing) switch { "pad" => MissingPolicy.Pad, "keep" => MissingPolicy.Keep, _ => MissingPolicy.Drop },
                ShortSide = parsed.GetValue(shortSide),
                Fps = parsed.GetValue(fps),
                MaxClip = parsed.GetValue(maxClip),
                Workers = parsed.GetValue(workers),
                MemoryBudget = parsed.GetValue(budget)?.Bytes,
                ItemTimeout = parsed.GetValue(timeout),
                MaxPixels = parsed.GetValue(maxPixels),
                MaxAspect = parsed.GetValue(maxAspect),
                MaxDecoded = parsed.GetValue(maxDecoded).Bytes,
                Partition = parsed.GetValue(partition).Part,
                Partitions = parsed.GetValue(partition).Of,
                RetryFailed = parsed.GetValue(retryFailed),
                Changed = parsed.GetValue(changed) switch { "replace" => ChangedPolicy.Replace, "fail" => ChangedPolicy.Fail, _ => ChangedPolicy.Keep },
                Gone = parsed.GetValue(gone) == "remove" ? GonePolicy.Remove : GonePolicy.Keep,
                StageDelays = parsed.GetValue(delays)!,
            };
            var terminal = Terminal.Of(parsed, json);
            if (parsed.GetValue(dryRun))
            {
                return await ForecastAsync(options, terminal).ConfigureAwait(false);
            }

            using var telemetry = Telemetry.Start(parsed, otlp, terminal);
            return await RunAsync(options, terminal, parsed.GetValue(profile)).ConfigureAwait(false);
        });
        return command;
    }

    private static async Task<int> MergeAsync(string cache, Terminal terminal)
    {
        var manifest = await CacheMerger.MergeAsync(cache, TimeProvider.System, CancellationToken.None).ConfigureAwait(false);
        var summary = CacheSummary.Of(cache);
        terminal.Result($"{cache}: version {manifest.Version}, {summary.Clips} clips, {summary.Failed} failed items");
        if (terminal.Json)
        {
            Terminal.WriteJson(new { schema = 1, version = manifest.Version, clips = summary.Clips, failed = summary.Failed });
        }

        string[] decoded = [.. manifest.Origins.Select(origin => origin.Modalities).Distinct()];
        terminal.Next(Use(cache, decoded is [var one] ? one : "av", summary.Clips));
        return summary.Failed > 0 ? ExitCodes.DoneWithFailures : ExitCodes.Done;
    }

    private static async Task<int> ForecastAsync(IngestOptions options, Terminal terminal)
    {
        using StopSignals signals = new();
        IngestForecast forecast;
        try
        {
            forecast = await new IngestJob(options, FfmpegTools.Locate(), TimeProvider.System).ForecastAsync(signals.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (signals.ExitCode is { } stopped)
        {
            terminal.Line("stopped: nothing was written");
            if (terminal.Json)
            {
                Terminal.WriteJson(new { schema = 1, dry_run = true, committed = 0, failed = 0, skipped = 0 });
            }

            return stopped;
        }

        WriteNotes(forecast.Notes, options, terminal);
        terminal.Result($"dry run, nothing is written: {forecast.Pending} to decode, of which {forecast.New} new; "
            + $"{forecast.Settled} stay as they are, of which {forecast.FailedEarlier} failed earlier");
        terminal.Result($"{forecast.Changes.Changed.Count} changed, {forecast.Changes.Moved.Count} moved, {forecast.Changes.Gone.Count} gone");
        terminal.Result(forecast switch
        {
            { Pending: 0 } => "nothing is to be decoded",
            { Clips: { } clips, Bytes: { } bytes, Seconds: { } seconds, Sampled: > 0 } =>
                $"about {clips} {(clips == 1 ? "clip" : "clips")}, {Size(bytes)}, {Durations.Text(TimeSpan.FromSeconds(Math.Max(1, seconds)))} with {forecast.Workers} decoded at a time: "
                + $"an estimate from {forecast.Sampled} {(forecast.Sampled == 1 ? "file" : "files")}",
            { Seconds: 0 } => "no pending item has a file to decode",
            _ => "no estimate: no file was decoded within 10 s",
        });
        if (terminal.Json)
        {
            Terminal.WriteJson(new
            {
                schema = 1, dry_run = true, committed = 0, failed = 0, skipped = forecast.Settled,
                pending = forecast.Pending, @new = forecast.New, settled = forecast.Settled, failed_earlier = forecast.FailedEarlier,
                changed = forecast.Changes.Changed.Count, gone = forecast.Changes.Gone.Count, moved = forecast.Changes.Moved.Count,
                estimated_clips = forecast.Clips, estimated_bytes = forecast.Bytes, estimated_seconds = forecast.Seconds,
                sampled = forecast.Sampled, workers = forecast.Workers,
            });
        }

        return ExitCodes.Done;
    }

    private static string Size(long bytes) => bytes < 1_000_000_000
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:f1} MB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:f1} GB");

    private static void WriteNotes(IReadOnlyList<string> notes, IngestOptions options, Terminal terminal)
    {
        foreach (var note in notes)
        {
            terminal.Line($"{options.Dataset}: {note}");
        }
    }

    private static async Task<int> RunAsync(IngestOptions options, Terminal terminal, bool profile)
    {
        using StopSignals signals = new();
        IngestResult result;
        try
        {
            result = await IngestAsync(options, terminal, signals.Token, profile).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (signals.ExitCode is { } stopped)
        {
            terminal.Line("stopped while the sources were listed: nothing is done, and the same command begins again");
            if (terminal.Json)
            {
                Terminal.WriteJson(new { schema = 1, committed = 0, failed = 0, skipped = 0, seconds = 0, clips_per_second = 0, cpu_ms_per_clip = 0 });
            }

            return stopped;
        }

        if (terminal.Json)
        {
            Terminal.WriteJson(new
            {
                schema = 1, committed = result.Committed, failed = result.Failed, skipped = result.Skipped, failed_earlier = result.FailedEarlier,
                changed = result.Changes.Changed.Count, gone = result.Changes.Gone.Count, moved = result.Changes.Moved.Count, seconds = result.Seconds,
                clips_per_second = result.ClipsPerSecond, cpu_ms_per_clip = result.CpuMsPerClip, decoded_by_libraries = result.DecodedByLibraries, version = result.ManifestVersion, stages = result.Report.Stages, bottleneck = result.Report.Bottleneck,
            });
        }

        if (!result.Stopped && options.Partitions > 1)
        {
            terminal.Next($"xkd ingest --merge {options.Out}");
        }
        else if (!result.Stopped && result.Committed + result.Skipped > 0)
        {
            var decoded = options.Modalities is Modalities.Auto ? DatasetRegistry.DefaultModalities(options.Dataset) : options.Modalities;
            terminal.Next(Use(options.Out, decoded switch { Modalities.Video => "video", Modalities.Audio => "audio", _ => "av" }, result.Committed + result.Skipped));
        }

        return (result.Stopped ? signals.ExitCode : null) ?? (result.Failed + result.FailedEarlier > 0 ? ExitCodes.DoneWithFailures : ExitCodes.Done);
    }

    /// <summary>Runs one ingest with progress on <paramref name="terminal"/>.</summary>
    public static async Task<IngestResult> IngestAsync(IngestOptions options, Terminal terminal, CancellationToken stop, bool profile = false)
    {
        ProgressLine progress = new(terminal, "ingest", TimeProvider.System, TimeSpan.FromSeconds(5));
        if (options.Frames == FrameCodecs.Jpeg && JpegFrames.Shortfall is { } shortfall)
        {
            terminal.Line($"{options.Dataset}: {shortfall}");
        }

        IngestJob job = new(options, FfmpegTools.Locate(), TimeProvider.System);
        IngestProgress last = new(0, 0, 0, 0, 0, null);
        var result = await job.RunAsync(
            new Progress(p =>
            {
                WriteNotes(p.Notes, options, terminal);
                if (p.Way is { } way)
                {
                    terminal.Line(way);
                }

                last = p;
                progress.Report(p.Committed + p.Failed + p.Skipped, p.Total, p.ItemsPerSecond, p.Remaining, $"{p.Failed} failed");
            }),
            stop).ConfigureAwait(false);
        progress.Finish(last.Committed + last.Failed + last.Skipped, last.Total, last.ItemsPerSecond, Ended(result));
        if (result.Failed > 0)
        {
            WriteFailures(result, options.Out, terminal);
        }

        if (profile || IsSlow(result))
        {
            GraphReportText.Write(result.Report, terminal);
        }
        else if (result.Committed > 0)
        {
            terminal.Line($"  {result.Report.Remedy}");
        }

        return result;
    }

    // The paper's recipe wants a batch of 256 clips, many times.
    internal static string Use(string cache, string modalities, long clips) => modalities == "av"
        ? $"xkd train --config {(clips < Few ? "tiny" : "xkd")} --data {cache} --out RUN"
        : $"xkd eval svm --weights RUN --train {cache} --val {cache} --modality {modalities} --out RESULTS";

    // Decoding is the work: where it waits for another stage for a while, the table tells why.
    private static bool IsSlow(IngestResult result) => result.Seconds > WorthATable && result.Report.Bottleneck != "decode";

    private static string Ended(IngestResult result)
    {
        var earlier = result.FailedEarlier > 0 ? $" (of which {result.FailedEarlier} failed: --retry-failed does them again)" : string.Empty;
        var stopped = result.Stopped ? "; stopped: the same command goes on" : string.Empty;
        return $"{result.Committed} committed, {result.Failed} failed, {result.Skipped} already done{earlier}, version {result.ManifestVersion}{stopped}";
    }

    private static void WriteFailures(IngestResult result, string cache, Terminal terminal)
    {
        foreach (var failure in result.FirstFailures)
        {
            terminal.Line($"  failed {failure.Id}: {failure.Stage}/{failure.Reason}{(failure.Detail is null ? string.Empty : ": " + failure.Detail)}");
        }

        if (result.Failed > result.FirstFailures.Count)
        {
            terminal.Line($"  … and {result.Failed - result.FirstFailures.Count} more; every item's state is in {Path.Combine(cache, "ledger.jsonl")}");
        }
    }

    // Reports on the worker's own thread: Progress<T> would queue them to the pool, where the last may overtake the result.
    private sealed class Progress(Action<IngestProgress> report) : IProgress<IngestProgress>
    {
        public void Report(IngestProgress value) => report(value);
    }
}
