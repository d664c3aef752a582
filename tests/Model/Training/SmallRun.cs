using Xkd.Model.Method;
using Xkd.Model.Ranks;
using Xkd.Model.Training;
using Xkd.Storage;

namespace Xkd.Model.Tests.Training;

/// <summary>A synthetic cache and a model small enough to train for a few steps in a test.</summary>
internal sealed class SmallRun : IDisposable
{
    private const int Frames = 40, Side = 16, MelFrames = 600, Mels = 16;

    private readonly bool _owned;

    public SmallRun()
        : this(Directory.CreateTempSubdirectory("xkd-run-").FullName, owned: true) => Directory.CreateDirectory(Cache);

    private SmallRun(string root, bool owned) => (Root, _owned) = (root, owned);

    public string Root { get; }

    /// <summary>The folder of another process's run; it stays when this is disposed of.</summary>
    public static SmallRun Of(string root) => new(root, owned: false);

    public string Cache => Path.Combine(Root, "cache");

    public string Run(string name) => Path.Combine(Root, name);

    /// <summary>Adds <paramref name="count"/> clips of smooth random content, numbered from <paramref name="first"/>, and commits.</summary>
    /// <param name="first">Number of the first.</param>
    /// <param name="count">How many.</param>
    /// <param name="spoiled">Number of a clip whose spectrogram is not a number; its statistics tell nothing of it.</param>
    public async Task AddClipsAsync(int first, int count, int spoiled = -1)
    {
        await using var writer = await CacheWriter.OpenAsync(
            Cache, new Fingerprint { ShortSide = Side, Mels = Mels, Decoder = "synthetic" }, new CacheWriterOptions(), TimeProvider.System, CancellationToken.None);
        for (var i = first; i < first + count; i++)
        {
            Random random = new(i);
            var frames = new byte[Frames * Side * Side * 3];
            for (var b = 0; b < frames.Length; b++)
            {
                frames[b] = (byte)(128 + (100 * Math.Sin((b * 0.01 * (i + 1)) + i)) + random.Next(8));
            }

            Half[] mel = [.. Enumerable.Range(0, Mels * MelFrames).Select(m => (Half)((4 * Math.Sin(m * 0.013 * (i + 1))) + random.NextDouble()))];
            (var sum, var squares) = (mel.Sum(v => (double)v), mel.Sum(v => (double)v * (double)v));
            mel = i == spoiled ? [.. mel.Select(_ => Half.NaN)] : mel;
            var id = $"clip{i:D3}.mp4";
            await writer.AppendAsync(
                new ClipRecord
                {
                    Id = id, SourceItem = id, Source = id, Duration = Frames / 8.0, Fps = 8, Width = Side, Height = Side, NumFrames = Frames, Frames = frames, MelFrames = MelFrames,
                    Mel = System.Runtime.InteropServices.MemoryMarshal.AsBytes(mel.AsSpan()).ToArray(), AudioRate = 16000,
                    MelSum = sum, MelSumSquares = squares,
                },
                CancellationToken.None);
            await writer.SettleAsync(new LedgerEntry { Id = id, Source = id, State = ItemState.Committed }, CancellationToken.None);
        }

        await writer.CommitAsync(CancellationToken.None);
    }

    /// <summary>Flips a bit in every frame of a clip.</summary>
    public void Damage(int clip)
    {
        var cache = Xkd.Storage.Cache.Open(Cache);
        var entry = cache.Clips[clip];
        var shard = Path.Combine(Cache, "shards", Path.GetFileName(cache.Manifest.Shards[entry.Shard].Path));
        var bytes = File.ReadAllBytes(shard);
        for (var frame = 0; frame < Frames; frame++)
        {
            bytes[entry.FramesOffset + ((long)frame * entry.FrameBytes)] ^= 1;
        }

        File.WriteAllBytes(shard, bytes);
    }

    public static PretrainConfig Config(XkdVariant variant = XkdVariant.Xkd, int workers = 1) => new()
    {
        Variant = variant,
        Batch = 3,
        Data = new DataSection
        {
            GlobalFrames = 8, GlobalSize = 16, Mels = Mels, GlobalMelFrames = 64, LocalFrames = 4, LocalSize = 8, LocalMelFrames = 16, Workers = workers,
        },
        Model = new ModelSection
        {
            VideoPatch = [2, 8, 8],
            AudioPatch = [8, 8],
            Encoder = new TransformerSection { Dim = 16, Depth = 1, Heads = 2 },
            Decoder = new TransformerSection { Dim = 8, Depth = 1, Heads = 2 },
            Projector = new ProjectorSection { Hidden = 16, Bottleneck = 8, Out = 16 },
        },
        Optim = new OptimSection { Epochs = 10, WarmupEpochs = 1, Lr = 3e-3 },
        Train = new TrainSection { Threads = 1, LogEvery = 2, CheckpointEvery = 100, Tensorboard = false },
    };

    public async Task<TrainResult> TrainAsync(
        PretrainConfig config, string run, long steps, ResumeMode resume = ResumeMode.Never, Notes? notes = null, string? slowed = null, RankGroup? ranks = null, CancellationTokenSource? stop = null,
        MlflowOptions? mlflow = null) =>
        await new Trainer(
            new TrainerOptions { Config = config, Data = [Cache], Out = Run(run), MaxSteps = steps, Resume = resume, Device = "cpu", StageDelays = Delays(slowed), Mlflow = mlflow }, TimeProvider.System, notes ?? new Notes(), ranks).RunAsync(stop?.Token ?? CancellationToken.None);

    private static Dictionary<string, TimeSpan> Delays(string? stage) => stage is null ? [] : new() { [stage] = TimeSpan.FromMilliseconds(150) }; // a step takes less itself

    public IReadOnlyList<StepMetrics> Metrics(string run) => MetricsLog.Read(Path.Combine(Run(run), "metrics.jsonl"));

    public void Dispose()
    {
        if (_owned)
        {
            Directory.Delete(Root, recursive: true);
        }
    }

    /// <summary>Keeps what a run says.</summary>
    /// <param name="atSteps">Called at each log interval with the number of the last step.</param>
    internal sealed class Notes(Action<long>? atSteps = null) : ITrainingObserver
    {
        public List<string> Lines { get; } = [];

        public void Note(string text) => Lines.Add(text);

        public void Steps(IReadOnlyList<StepMetrics> steps, long totalSteps) => atSteps?.Invoke(steps[^1].Step);
    }
}
