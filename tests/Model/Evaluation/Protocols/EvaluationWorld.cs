using System.Runtime.InteropServices;
using Xkd.Model.Evaluation;
using Xkd.Model.Method;
using Xkd.Model.Tests.Training;
using Xkd.Model.Torch;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Evaluation;

/// <summary>
/// Runs of every variant, one step long, and labelled caches as the data sets' catalogs would make them: by fold, by split, and by split with several labels a clip. A clip's class is its
/// brightness and its loudest bands.
/// </summary>
public sealed class EvaluationWorld : IAsyncLifetime
{
    public const int Classes = 3;
    private const int Frames = 20, Height = 32, Width = 40, MelFrames = 150, Mels = 16;
    private readonly SmallRun _run = new();

    public string Folds => _run.Run("folds");

    public string Splits => _run.Run("splits");

    public string Several => _run.Run("several");

    /// <summary>No folds, no splits; of each class three recordings of two segments.</summary>
    public string Segments => _run.Run("segments");

    public string Run(XkdVariant variant) => _run.Run(variant.ToString());

    public string Out(string name) => _run.Run(name);

    public async ValueTask InitializeAsync()
    {
        LibTorch.Load();
        set_num_threads(1);
        await _run.AddClipsAsync(0, 6);
        foreach (var variant in Enum.GetValues<XkdVariant>())
        {
            await _run.TrainAsync(SmallRun.Config(variant), variant.ToString(), 1);
        }

        await WriteAsync(Folds, 6, (i, c) => (null, [Name(c)], [.. Enumerable.Range(1, 3).Select(f => f == 1 + (i % 3) ? $"{f}:test" : $"{f}:train")]));
        await WriteAsync(Splits, 6, (i, c) => (i % 2 == 0 ? "train" : "val", [Name(c)], []));
        await WriteAsync(Segments, 6, (_, c) => (null, [Name(c)], []), segments: 2);
        await WriteAsync(Several, 6, (i, c) => (i % 2 == 0 ? "train" : "eval", i % 3 == 0 ? [Name(c), "shared"] : [Name(c)], []));
    }

    /// <summary>The cache that a data set of the paper would be.</summary>
    public string CacheOf(string dataset) => dataset switch { "ucf101" or "hmdb51" or "esc50" => Folds, "fsd50k" => Several, _ => Splits };

    internal EvaluationRequest Request(string protocol, string dataset, params string[] overrides) => Request(protocol, dataset, Run(XkdVariant.Xkd), overrides);

    internal EvaluationRequest Request(string protocol, string dataset, string weights, string[] overrides)
    {
        var path = Path.Combine(RepositoryRoot.Path, "configs", "eval", protocol, dataset + ".yaml");
        string[] all = [.. SmokeRun.Overrides(protocol), .. overrides];
        var cache = Cache.Open(CacheOf(dataset));
        return new EvaluationRequest
        {
            Protocol = protocol, Config = protocol == "svm" ? SvmConfig.Load(path, all) : ClassifierConfig.Load(path, all), Weights = [weights], Train = cache, Test = cache, Device = CPU,
        };
    }

    public ValueTask DisposeAsync()
    {
        _run.Dispose();
        return ValueTask.CompletedTask;
    }

    private static string Name(int c) => $"class {(char)('a' + c)}";

    private static async Task WriteAsync(string path, int perClass, Func<int, int, (string? Split, string[] Labels, string[] Folds)> place, int segments = 1)
    {
        await using var writer = await CacheWriter.OpenAsync(
            path, new Fingerprint { ShortSide = Height, Mels = Mels, Decoder = "synthetic" }, new CacheWriterOptions(), TimeProvider.System, CancellationToken.None);
        for (var i = 0; i < perClass * Classes; i++)
        {
            (var c, var random) = (i / perClass, new Random(i));
            var frames = new byte[Frames * Height * Width * 3];
            random.NextBytes(frames);
            for (var b = 0; b < frames.Length; b++)
            {
                frames[b] = (byte)((frames[b] / 3) + (80 * (b % 3 == c ? 1 : 0)) + 40);
            }

            Half[] mel = [.. Enumerable.Range(0, Mels * MelFrames).Select(m => (Half)((m / MelFrames % Classes == c ? 3 : -3) + random.NextDouble()))];
            (var split, var labels, var folds) = place(i % perClass, c);
            var item = $"{c}/clip{i / segments:D3}.mp4";
            var id = segments == 1 ? item : SegmentId.Of(item, i % segments);
            await writer.AppendAsync(
                new ClipRecord
                {
                    Id = id, SourceItem = item, Source = item, Start = i % segments * Frames / 8.0, Label = labels.Length == 1 ? labels[0] : null, Labels = labels, Split = split, Folds = folds,
                    Duration = Frames / 8.0, Fps = 8, Width = Width, Height = Height, NumFrames = Frames, Frames = frames, MelFrames = MelFrames,
                    Mel = MemoryMarshal.AsBytes(mel.AsSpan()).ToArray(), AudioRate = 16000, MelSum = mel.Sum(v => (double)v), MelSumSquares = mel.Sum(v => (double)v * (double)v),
                },
                CancellationToken.None);
            if (i % segments == segments - 1)
            {
                await writer.SettleAsync(new LedgerEntry { Id = item, Source = item, State = ItemState.Committed }, CancellationToken.None);
            }
        }

        await writer.CommitAsync(CancellationToken.None);
    }
}
