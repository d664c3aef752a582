using Xkd.Ingest;
using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Model.Training;

namespace Xkd.Cli.Tests;

/// <summary>The paper's evaluation sets in miniature, each ingested when first asked for, and a run that is one step old.</summary>
public sealed class IngestedMiniatures : IAsyncLifetime, ITrainingObserver
{
    private readonly MediaMaker _media = new();
    private readonly Dictionary<string, string> _caches = new(StringComparer.Ordinal);

    public string Run => _media["run"];

    public MediaMaker Media => _media;

    public string this[string name] => _media[name];

    public async ValueTask InitializeAsync()
    {
        LibTorch.Load();
        PretrainConfig config = new()
        {
            Batch = 4,
            Data = new DataSection { GlobalFrames = 8, GlobalSize = 16, GlobalMelFrames = 64, LocalFrames = 4, LocalSize = 8, LocalMelFrames = 16, Workers = 1 },
            Model = new ModelSection
            {
                VideoPatch = [2, 8, 8], AudioPatch = [8, 16],
                Encoder = new TransformerSection { Dim = 16, Depth = 1, Heads = 2 }, Decoder = new TransformerSection { Dim = 8, Depth = 1, Heads = 2 },
                Projector = new ProjectorSection { Hidden = 16, Bottleneck = 8, Out = 16 },
            },
            Optim = new OptimSection { Epochs = 10, WarmupEpochs = 1 },
            Train = new TrainSection { Threads = 1, Tensorboard = false },
        };
        TrainerOptions options = new() { Config = config, Data = [await CacheAsync("kinetics-sound")], Out = Run, MaxSteps = 1, Resume = ResumeMode.Never, Device = "cpu" };
        await new Trainer(options, TimeProvider.System, this).RunAsync(CancellationToken.None);
    }

    /// <summary>The cache of a miniature. Not to be called by two tests at once.</summary>
    public async Task<string> CacheAsync(string dataset)
    {
        if (!_caches.TryGetValue(dataset, out var cache))
        {
            // Silent and blind sets are ingested as what they are; the classes can be told apart.
            var miniature = Miniatures.Make(dataset, _media, new MiniatureOptions { ClipsPerClass = dataset == "esc50" ? 5 : 4 });
            cache = _media[dataset + "-cache"];
            await new IngestJob(new IngestOptions { Dataset = dataset, Root = miniature.Root, Out = cache, ShortSide = 32 }, _media.Tools, TimeProvider.System).RunAsync(null, CancellationToken.None);
            _caches[dataset] = cache;
        }

        return cache;
    }

    public void Note(string text)
    {
    }

    public void Steps(IReadOnlyList<StepMetrics> steps, long totalSteps)
    {
    }

    public ValueTask DisposeAsync()
    {
        _media.Dispose();
        return ValueTask.CompletedTask;
    }
}
