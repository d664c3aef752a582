using System.Globalization;
using System.Runtime.InteropServices;
using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Model.Training;
using Xkd.Storage;

namespace Xkd.Bench;

/// <summary>Whether a long run stays in its memory: thousands of steps of the trainer, with its feed, logs and checkpoints, of a model so small that they take minutes.</summary>
internal static class SlopeBenchmark
{
    private const int Clips = 24, Frames = 40, Side = 16, MelFrames = 600, Mels = 16, LogEvery = 10;
    private const double MostMegabytes = 1; // per thousand steps

    /// <param name="steps">Optimizer steps.</param>
    /// <param name="output">Receives the lines.</param>
    /// <returns>0 where live tensors are constant and memory is flat, else 1.</returns>
    public static async Task<int> RunAsync(int steps, TextWriter output)
    {
        LibTorch.Load();
        var root = Directory.CreateTempSubdirectory("xkd-slope-").FullName;
        try
        {
            string cache = Path.Combine(root, "cache"), run = Path.Combine(root, "run");
            await MakeCacheAsync(cache);
            await new Trainer(new TrainerOptions { Config = Config(steps), Data = [cache], Out = run, MaxSteps = steps, Device = "cpu" }, TimeProvider.System, new Silent()).RunAsync(CancellationToken.None);
            return await JudgeAsync(MetricsLog.Read(Path.Combine(run, "metrics.jsonl")), output);
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static async Task<int> JudgeAsync(IReadOnlyList<StepMetrics> all, TextWriter output)
    {
        // A fifth of the run for pools, tiers of compilation and the allocator's arenas to fill; then like is compared with like, the first step of each interval.
        StepMetrics[] steps = [.. all.Where(s => s.Step > all.Count / 5 && s.Step % LogEvery == 1)];
        foreach (var s in steps.Where((_, i) => i % Math.Max(1, steps.Length / 8) == 0).Append(steps[^1]))
        {
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"step {s.Step}: {s.LiveTensors} live tensors, rss {s.Rss / 1e6:f1} MB"));
        }

        (var fewest, var most) = (steps.Min(s => s.LiveTensors), steps.Max(s => s.LiveTensors));
        double meanStep = steps.Average(s => s.Step), meanRss = steps.Average(s => s.Rss);
        var slope = steps.Sum(s => (s.Step - meanStep) * (s.Rss - meanRss)) / steps.Sum(s => (s.Step - meanStep) * (s.Step - meanStep)) / 1e6 * 1000;
        var good = fewest == most && slope <= MostMegabytes;
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
            $"{all.Count} steps: live tensors {(fewest == most ? $"constant at {most}" : $"from {fewest} to {most}")}, rss slope {slope:f3} MB per 1,000 steps: {(good ? "flat" : "NOT FLAT")}"));
        return good ? 0 : 1;
    }

    private static PretrainConfig Config(int steps) => new()
    {
        Batch = 4,
        Data = new DataSection { GlobalFrames = 8, GlobalSize = 16, Mels = Mels, GlobalMelFrames = 64, LocalFrames = 4, LocalSize = 8, LocalMelFrames = 16, Workers = 1 },
        Model = new ModelSection
        {
            VideoPatch = [2, 8, 8],
            AudioPatch = [8, 8],
            Encoder = new TransformerSection { Dim = 32, Depth = 2, Heads = 2 },
            Decoder = new TransformerSection { Dim = 16, Depth = 1, Heads = 2 },
            Projector = new ProjectorSection { Hidden = 32, Bottleneck = 16, Out = 64 },
        },
        Optim = new OptimSection { Epochs = steps, WarmupEpochs = 1 },
        Train = new TrainSection { Threads = 1, LogEvery = LogEvery, CheckpointEvery = 500, ImagesEvery = 500 },
    };

    private static async Task MakeCacheAsync(string path)
    {
        Directory.CreateDirectory(path);
        await using var writer = await CacheWriter.OpenAsync(
            path, new Fingerprint { ShortSide = Side, Mels = Mels, Decoder = "synthetic" }, new CacheWriterOptions(), TimeProvider.System, CancellationToken.None);
        for (var i = 0; i < Clips; i++)
        {
            Random random = new(i);
            var frames = new byte[Frames * Side * Side * 3];
            random.NextBytes(frames);
            Half[] mel = [.. Enumerable.Range(0, Mels * MelFrames).Select(_ => (Half)random.NextDouble())];
            var id = $"clip{i:D3}.mp4";
            await writer.AppendAsync(
                new ClipRecord
                {
                    Id = id, SourceItem = id, Source = id, Duration = Frames / 8.0, Fps = 8, Width = Side, Height = Side, NumFrames = Frames, Frames = frames, MelFrames = MelFrames,
                    Mel = MemoryMarshal.AsBytes(mel.AsSpan()).ToArray(), AudioRate = 16000, MelSum = mel.Sum(v => (double)v), MelSumSquares = mel.Sum(v => (double)v * (double)v),
                },
                CancellationToken.None);
            await writer.SettleAsync(new LedgerEntry { Id = id, Source = id, State = ItemState.Committed }, CancellationToken.None);
        }

        await writer.CommitAsync(CancellationToken.None);
    }

    private sealed class Silent : ITrainingObserver
    {
        public void Note(string text)
        {
        }

        public void Steps(IReadOnlyList<StepMetrics> steps, long totalSteps)
        {
        }
    }
}
