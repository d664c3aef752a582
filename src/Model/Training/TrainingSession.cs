using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using TorchSharp;
using Xkd.Model.Configuration;
using Xkd.Model.Optimization;
using Xkd.Model.Weights;
using Xkd.Pipeline;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

/// <summary>Everything one start of a run holds: model, step, schedule, feed, logs and checkpoints, all at one step.</summary>
internal sealed class TrainingSession : IAsyncDisposable
{
    private const string ModelPrefix = "model/";

    private readonly PretrainConfig _config;
    private readonly CheckpointStore _checkpoints;
    private readonly XkdModel _model;
    private readonly long _videoTokens, _audioTokens;

    private TrainingSession(TrainerOptions options, RunFolder run, RunOrigin origin, Cache cache, Device device, TimeProvider time, ITrainingObserver observer)
    {
        _config = options.Config;
        Run = run;
        Origin = origin;
        XkdOptions model = _config.ToModel();
        (_videoTokens, _audioTokens) = (model.Video.Tokens, model.Audio.Tokens);
        Feed = new TrainingFeed(cache, _config.ToFeed(model, origin.MelMean, origin.MelStd, options.StageDelays));
        Schedule = new TrainingSchedule(_config.ToSchedule(), Feed.StepsPerEpoch);
        EndStep = Math.Min(Schedule.Steps, options.MaxSteps ?? Schedule.Steps);
        Devices.SetThreads(_config.Train.Threads);
        _model = new XkdModel(model, (ulong)_config.Seed, device);
        Step = new XkdStep(_model, _config.ToStep());
        FlopPerSample = ModelCost.Of(model, _config.ToLocalViews()).FlopPerSample;
        PeakFlops = MatmulPeak.Measure(device, time);
        _checkpoints = new CheckpointStore(run.Path, new CheckpointStoreOptions { Keep = _config.Train.CheckpointKeep, KeepEvery = _config.Train.CheckpointKeepEvery }, observer.Note);
    }

    public RunFolder Run { get; }

    public RunOrigin Origin { get; }

    public TrainingFeed Feed { get; }

    public TrainingSchedule Schedule { get; }

    public XkdStep Step { get; }

    public MetricsLog Log { get; private set; } = null!;

    public TensorBoardLog? Events { get; private set; }

    /// <summary>Steps already done when this start began.</summary>
    public long StartStep { get; private set; }

    /// <summary>The step after which this start ends.</summary>
    public long EndStep { get; }

    /// <summary>Matrix work of one sample's forward and backward, FLOP.</summary>
    public double FlopPerSample { get; }

    /// <summary>Measured peak of matrix work, FLOP per second.</summary>
    public double PeakFlops { get; }

    /// <summary>Starts or continues the run; whatever does not fit is refused before anything is written.</summary>
    public static TrainingSession Open(TrainerOptions options, TimeProvider time, ITrainingObserver observer)
    {
        RunFolder run = new(options.Out);
        if (options.Resume == ResumeMode.Required && !run.HasRun)
        {
            throw new UsageException($"{options.Out} holds no run to resume; leave --resume out, or write --resume auto");
        }

        Device device = Devices.Parse(options.Device);
        run.Check(options.Config, options.Resume != ResumeMode.Never);
        RunOrigin? before = run.ReadOrigin();
        Cache cache = Cache.Open(options.Data, before?.ManifestVersion);
        RunOrigin origin = before ?? NewOrigin(options, cache);
        TrainingSession session = new(options, run, origin, cache, device, time, observer);
        run.Begin(options.Config, origin);
        session.Restore(observer);
        session.Log = MetricsLog.Open(run.Metrics, session.StartStep);
        session.Events = options.Config.Train.Tensorboard ? new TensorBoardLog(run.Events) : null;
        observer.Note($"{options.Data}: version {origin.ManifestVersion}, {cache.Clips.Count} clips, {session.Feed.StepsPerEpoch} steps an epoch; " +
            $"{session.Step.TrainableCount / 1e6:f3} M trainable parameters, {session.FlopPerSample / 1e9:f1} GFLOP a sample; {device}, peak {session.PeakFlops / 1e9:f0} GFLOP/s");
        return session;
    }

    public XkdInputTensors ToDevice(HostBatch batch) => XkdInputTensors.Of(batch, _videoTokens, _audioTokens, _model.Device);

    /// <summary>Writes the checkpoint of <paramref name="step"/> completed steps.</summary>
    public void Save(long step)
    {
        string config = ConfigBinder.ToYaml(_config);
        using DisposeScope scope = NewDisposeScope();
        List<WeightTensor> model = [], optimizer = [];
        foreach ((string name, Tensor value) in Step.ExportState())
        {
            bool isModel = name.StartsWith(ModelPrefix, StringComparison.Ordinal);
            (isModel ? model : optimizer).Add(TensorBytes.Copy(isModel ? name[ModelPrefix.Length..] : name, value));
        }

        long perEpoch = Feed.StepsPerEpoch;
        _checkpoints.Write(
            new CheckpointState
            {
                Step = step,
                Epoch = (int)(step / perEpoch),
                Position = step % perEpoch * _config.Batch,
                ManifestVersion = Origin.ManifestVersion,
                Seed = (ulong)_config.Seed,
                Config = config,
                ConfigHash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(config))),
                CodeVersion = typeof(TrainingSession).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown",
            },
            model,
            optimizer);
    }

    public async ValueTask DisposeAsync()
    {
        await Feed.DisposeAsync().ConfigureAwait(false);
        Log?.Dispose();
        Step.Dispose();
        _model.Dispose();
    }

    private static RunOrigin NewOrigin(TrainerOptions options, Cache cache)
    {
        (double mean, double std) = options.Config.MelScale(cache.Manifest.Mel);
        return new RunOrigin { ManifestVersion = cache.Manifest.Version, Cache = Path.GetFullPath(options.Data), Clips = cache.Clips.Count, MelMean = mean, MelStd = std };
    }

    private void Restore(ITrainingObserver observer)
    {
        using Checkpoint? checkpoint = _checkpoints.OpenLatest();
        if (checkpoint is null)
        {
            return;
        }

        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> state = new(StringComparer.Ordinal);
        foreach (string name in checkpoint.Model.Entries.Keys)
        {
            state.Add(ModelPrefix + name, TensorBytes.ToTensor(checkpoint.Model.Read(name)));
        }

        foreach (string name in checkpoint.Optimizer.Entries.Keys)
        {
            state.Add(name, TensorBytes.ToTensor(checkpoint.Optimizer.Read(name)));
        }

        Step.ImportState(state);
        StartStep = checkpoint.State.Step;
        observer.Note($"continuing {Run.Path} after step {StartStep}");
    }
}
