using System.Globalization;
using Xkd.Cli.Hosting;
using Xkd.Ingest;
using Xkd.Model.Method;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Cli.Profiling;

/// <summary>Runs one part of the main job by itself, on generated input, and measures its stages.</summary>
internal sealed class Profiler(string folder, ProfileOptions options, Terminal terminal)
{
    /// <summary>What ingest and decode generate where nobody says.</summary>
    public const int Clips = 32;

    private const int Batches = 4; // in an epoch of a generated cache
    private const int Spans = 1 << 16;
    private const int WindowSamples = 64_000;
    private const int Windows = 2000;

    /// <summary>What can be profiled.</summary>
    public static IReadOnlyList<string> Names { get; } = ["ingest", "decode", "mel", "loader", "step", "train", "svm"];

    public Task<ProfileOutcome> RunAsync(string what, CancellationToken stop) => what switch
    {
        "ingest" => IngestAsync(stop),
        "decode" => DecodeAsync(stop),
        "mel" => MelAsync(stop),
        "step" => Task.Run(() => ModelProfiles.Step(options, terminal, stop), CancellationToken.None), // computes throughout: not on the caller's thread
        "train" => TrainAsync(stop),
        "svm" => SvmProfile.RunAsync(stop),
        _ => LoaderAsync(stop),
    };

    private async Task<ProfileOutcome> LoaderAsync(CancellationToken stop)
    {
        var config = options.Config is { } path ? PretrainConfig.Load(path, options.Set) : new PretrainConfig { Batch = LoaderProfile.Batch };
        return await LoaderProfile.RunAsync(await CacheAsync(config, stop).ConfigureAwait(false), options, stop).ConfigureAwait(false);
    }

    private async Task<ProfileOutcome> TrainAsync(CancellationToken stop)
    {
        var config = ModelProfiles.Load(options, "pretrain/tiny.yaml");
        return await ModelProfiles.TrainAsync(config, await CacheAsync(config, stop).ConfigureAwait(false), options, stop).ConfigureAwait(false);
    }

    private async Task<Cache> CacheAsync(PretrainConfig config, CancellationToken stop)
    {
        var cache = options.Data ?? Path.Combine(folder, "cache");
        if (options.Data is null)
        {
            terminal.Line("generating a cache");
            await SyntheticCache.WriteAsync(cache, config.Data, Batches * config.Batch, stop).ConfigureAwait(false);
        }

        return Cache.Open(cache);
    }

    private async Task<ProfileOutcome> IngestAsync(CancellationToken stop)
    {
        (var tools, var ingest, var files) = await MediaAsync(stop).ConfigureAwait(false);
        var result = await new IngestJob(ingest, tools, TimeProvider.System).RunAsync(progress: null, stop).ConfigureAwait(false);
        return await BesideFfmpegAsync(
            new ProfileOutcome { What = "ingest", Samples = result.Clips, Threads = Workers(ingest), Report = result.Report, WriteTrace = result.WriteTrace },
            result.CpuMsPerClip, tools, files, ingest, stop).ConfigureAwait(false);
    }

    private async Task<ProfileOutcome> DecodeAsync(CancellationToken stop)
    {
        (var tools, var ingest, var files) = await MediaAsync(stop).ConfigureAwait(false);
        var cpu = CpuClock.Milliseconds();
        var graph = await new IngestJob(ingest, tools, TimeProvider.System).MeasureDecodingAsync(stop).ConfigureAwait(false);
        cpu = (CpuClock.Milliseconds() - cpu) / files.Count;
        return await BesideFfmpegAsync(
            new ProfileOutcome { What = "decode", Samples = files.Count, Threads = Workers(ingest), Report = graph.Report(), WriteTrace = graph.WriteTrace }, cpu, tools, files, ingest, stop).ConfigureAwait(false);
    }

    /// <summary>Adds what bare ffmpeg takes for the same files, one process each, measured right after.</summary>
    private static async Task<ProfileOutcome> BesideFfmpegAsync(
        ProfileOutcome outcome, double cpu, FfmpegTools tools, IReadOnlyList<string> files, IngestOptions ingest, CancellationToken stop)
    {
        (var wall, var bareCpu) = await BareFfmpeg.RunAsync(tools, files, ingest, stop).ConfigureAwait(false);
        var bare = files.Count / wall.TotalSeconds;
        return outcome with
        {
            Figures = new Dictionary<string, double>(StringComparer.Ordinal)
            {
                ["cpu_ms_per_clip"] = cpu, ["ffmpeg_samples_per_s"] = bare, ["ffmpeg_cpu_ms_per_clip"] = bareCpu, ["rate_over_ffmpeg"] = outcome.Rate / bare,
            },
            Notes =
            [
                string.Create(CultureInfo.InvariantCulture, $"{outcome.Rate:f1} clips/s at {cpu:f0} ms of CPU; ffmpeg by itself, one process a clip, same outputs to null: {bare:f1} clips/s at {bareCpu:f0} ms"),
            ],
        };
    }

    /// <summary>One thread on windows of 4 s; a graph of one stage, so that the figures are the same kind as the others'.</summary>
    private static async Task<ProfileOutcome> MelAsync(CancellationToken stop)
    {
        SimdLogMel kernel = new(new LogMelOptions());
        var samples = new float[WindowSamples];
        Random random = new(1);
        for (var i = 0; i < samples.Length; i++)
        {
            samples[i] = (float)((random.NextDouble() * 0.2) - 0.1);
        }

        var mel = new float[kernel.Options.Mels * kernel.Frames(samples.Length)];
        for (var warm = 0; warm < 200; warm++)
        {
            kernel.Compute(samples, mel);
        }

        PipelineGraph graph = new("mel", new PipelineGraphOptions { TraceCapacity = Spans });
        var source = graph.Source("windows", Enumerable.Range(0, Windows).ToAsyncEnumerable());
        await graph.RunAsync(source, "mel", (_, _) =>
        {
            kernel.Compute(samples, mel);
            return ValueTask.CompletedTask;
        }, new StageOptions { QueueCapacity = 64, Remedy = "the kernel is the work" }, stop).ConfigureAwait(false);
        var report = graph.Report();
        var rate = Windows * (WindowSamples / (double)kernel.Options.SampleRate) / report.Seconds;
        return new ProfileOutcome
        {
            What = "mel", Samples = Windows, Threads = 1, Report = report, WriteTrace = graph.WriteTrace,
            Figures = new Dictionary<string, double>(StringComparer.Ordinal) { ["audio_seconds_per_second"] = rate },
            Notes = [string.Create(CultureInfo.InvariantCulture, $"{rate:f0} seconds of audio a second, one thread")],
        };
    }

    private async Task<(FfmpegTools Tools, IngestOptions Ingest, IReadOnlyList<string> Files)> MediaAsync(CancellationToken stop)
    {
        var tools = FfmpegTools.Locate();
        var media = Path.Combine(folder, "media");
        if (options.Delays.Count > 0)
        {
            // A delay is seen where it outweighs the rest: clips of 10 s cost more to decode than most delays.
            terminal.Line("generating small clips, beside which a delay counts");
            await new ShapesGenerator(tools).GenerateAsync(media, new ShapesOptions { TrainPerClass = 8, ValidationPerClass = 0 }, progress: null, stop).ConfigureAwait(false);
            var train = Path.Combine(media, "train");
            return (tools, Options(train), [.. Directory.EnumerateFiles(train, "*.mp4", SearchOption.AllDirectories).Order(StringComparer.Ordinal)]);
        }

        var count = (int)(options.Clips ?? Clips);
        terminal.Line($"generating {count} clips of 10 s");
        var files = await CameraClips.GenerateAsync(tools, media, count, stop).ConfigureAwait(false);
        return (tools, Options(media), files);

        IngestOptions Options(string root) => new() { Root = root, Out = Path.Combine(folder, "cache"), StageDelays = options.Delays, TraceCapacity = Spans };
    }

    private static int Workers(IngestOptions ingest) => ingest.Workers > 0 ? ingest.Workers : Environment.ProcessorCount;
}
