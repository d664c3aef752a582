using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Model.Training;
using Xkd.Model.Weights;
using Xkd.Pipeline;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>A pre-trained model, frozen, with what its features depend on: its configuration and its spectrogram normalisation.</summary>
public sealed class FrozenEncoder : IDisposable
{
    private readonly XkdModel _model;

    /// <summary>Takes <paramref name="model"/> over.</summary>
    public FrozenEncoder(XkdModel model, PretrainConfig config, double melMean, double melStd, string weightsSha256)
    {
        (_model, Config, MelMean, MelStd, WeightsSha256) = (model, config, melMean, melStd, weightsSha256);
        _model.eval();
    }

    public PretrainConfig Config { get; }

    public double MelMean { get; }

    public double MelStd { get; }

    /// <summary>SHA-256 of the weights file; empty for a model that was never trained.</summary>
    public string WeightsSha256 { get; }

    public XkdModel Model => _model;

    /// <summary>The newest whole checkpoint of a run.</summary>
    /// <exception cref="UsageException"><paramref name="path"/> is no run, or the run has no checkpoint yet.</exception>
    /// <exception cref="FailureException">Every checkpoint is broken; each is named.</exception>
    public static FrozenEncoder OpenRun(string path, Device device, Action<string> warn)
    {
        var run = new RunFolder(path);
        var config = run.ReadConfig();
        var origin = run.ReadOrigin() ?? throw new UsageException($"{path} has no run.json; it is not a whole run folder");
        using var checkpoint = new CheckpointStore(path, warn: warn).OpenLatest()
            ?? throw new UsageException($"{path} has no checkpoint; train it first");
        checkpoint.RequireTrained(path);
        var model = new XkdModel(config, 0, device);
        WeightMatch.Load(model, checkpoint.Folder, checkpoint.Model.ReadAll());
        return new FrozenEncoder(model, config, origin.MelMean, origin.MelStd, checkpoint.State.Files[CheckpointStore.ModelFile]);
    }

    /// <summary>A freshly drawn model of <paramref name="config"/>: what training has to beat.</summary>
    public static FrozenEncoder Untrained(PretrainConfig config, MelStatistics mel, Device device) =>
        new(new XkdModel(config, (ulong)config.Seed, device), config, mel.Mean, mel.Std, string.Empty);

    /// <summary>What this model's global views are cut as: one centred window of a clip, normalised as in its training.</summary>
    internal EvaluationOptions OneWindow(int clip, Modalities modalities = Modalities.Both) => new()
    {
        BatchSize = 1,
        Modalities = modalities,
        Clips = [clip],
        Fps = Config.Data.Fps,
        Frames = Config.Data.GlobalFrames,
        FrameSize = Config.Data.GlobalSize,
        AudioFrames = Config.Data.GlobalMelFrames,
        Mel = new LogMelOptions { Mels = Config.Data.Mels },
        MelMean = MelMean,
        MelStd = MelStd,
    };

    /// <summary>The centred window of clip number <paramref name="clip"/> of <paramref name="cache"/>, masked by the seed and reconstructed.</summary>
    /// <exception cref="UsageException">There is no such clip.</exception>
    public async Task<MaskedReconstruction> ReconstructAsync(Cache cache, int clip, ulong seed, CancellationToken stop)
    {
        MaskedReconstruction? made = null;
        await OwnThread.RunAsync(() => EncoderFeatures.ForEachBatch(cache, OneWindow(clip), batch => made ??= Reconstruct(batch, seed), stop));
        return made ?? throw new UsageException($"{cache.Path} has no clip number {clip}");
    }

    private MaskedReconstruction Reconstruct(HostBatch batch, ulong seed)
    {
        using var scope = NewDisposeScope();
        Tensor video = HostTensors.Rows(batch.GlobalVideo!, 1, Model.Device), audio = HostTensors.Rows(batch.GlobalAudio!, 1, Model.Device);
        return MaskedReconstruction.Of(Model, video, audio, seed);
    }

    public void Dispose() => _model.Dispose();

    /// <summary>One of the model's encoders.</summary>
    internal ViT Backbone(WeightModality modality, WeightBranch branch) => Network(modality, branch).Backbone;

    private Branch Network(WeightModality modality, WeightBranch branch) => (modality, branch) switch
    {
        (WeightModality.Video, WeightBranch.Teacher) => _model.VideoTeacher,
        (WeightModality.Video, _) => _model.VideoStudent,
        (_, WeightBranch.Teacher) => _model.AudioTeacher,
        _ => _model.AudioStudent,
    };
}
