using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using TorchSharp;
using Xkd.Model.Augment;
using Xkd.Model.Configuration;
using Xkd.Model.Evaluation;
using Xkd.Model.Native;
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
    private const int TraceSpans = 1 << 16;

    private readonly PretrainConfig _config;
    private readonly ITrainingObserver _observer;
    private readonly CheckpointStore _checkpoints;
    private readonly XkdModel _model;
    private readonly HostTensors _host;
    private readonly BatchAugmenter? _augmenter;
    private bool _logsWait;

    private TrainingSession(TrainerOptions options, RunFolder run, RunOrigin origin, Cache cache, Device device, TimeProvider time, ITrainingObserver observer)
    {
        (_config, _observer) = (options.Config, observer);
        Run = run;
        Origin = origin;
        XkdOptions model = _config.ToModel();
        bool onDevice = _config.Augment.Device == AugmentDevice.Gpu || (_config.Augment.Device == AugmentDevice.Auto && device.type == DeviceType.CUDA);
        PipelineGraphOptions diagnostics = new() { StageDelays = options.StageDelays, TraceCapacity = options.Profile ? TraceSpans : 0 };
        FeedOptions feed = _config.ToFeed(model, origin.MelMean, origin.MelStd, diagnostics, onDevice);
        Feed = new TrainingFeed(cache, feed);
        ConsumerDelay = options.StageDelays.GetValueOrDefault(PipelineGraph.Consumer);
        _host = new HostTensors(device);
        _augmenter = onDevice ? new BatchAugmenter(BatchAugmenterOptions.Of(feed, origin.MelMean, origin.MelStd), _host) : null;
        Schedule = new TrainingSchedule(_config.ToSchedule(), Feed.StepsPerEpoch);
        EndStep = Math.Min(Schedule.Steps, options.MaxSteps ?? Schedule.Steps);
        Devices.SetThreads(_config.Train.Threads);
        _model = new XkdModel(model, (ulong)_config.Seed, device);
        Step = new XkdStep(_model, _config.ToStep());
        FlopPerSample = ModelCost.Of(model, _config.ToLocalViews()).FlopPerSample;
        PeakFlops = MatmulPeak.Measure(device, time);
        _checkpoints = new CheckpointStore(run.Path, new CheckpointStoreOptions { Keep = _config.Train.CheckpointKeep, KeepEvery = _config.Train.CheckpointKeepEvery }, observer.Note, options.Files);
    }

    public RunFolder Run { get; }

    public RunOrigin Origin { get; }

    public TrainingFeed Feed { get; }

    /// <summary>The delay planted into the step itself.</summary>
    public TimeSpan ConsumerDelay { get; }

    public TrainingSchedule Schedule { get; }

    public XkdStep Step { get; }

    public MetricsLog Log { get; private set; } = null!;

    public TensorBoardLog? Events { get; private set; }

    /// <summary>Steps already done when this start began.</summary>
    public long StartStep { get; private set; }

    /// <summary>Under the skip policy: places used of the tail of the epoch that the next step belongs to.</summary>
    public IReadOnlyList<int> TailUsed { get; private set; } = [];

    /// <summary>Damaged rows left out since the run began.</summary>
    public long Skipped { get; private set; }

    /// <summary>Checkpoints that a full disk has cost since this start.</summary>
    public long CheckpointsMissed { get; private set; }

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
        Cache cache = Cache.Open(options.Data, before?.ManifestVersion, options.Objects);
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

    /// <summary>The batch as the model's input.</summary>
    public XkdInputTensors ToDevice(HostBatch batch)
    {
        // libtorch keeps the number by thread, and a step may go on on another one than the last: sums split otherwise differ in the last bit.
        Devices.SetThreads(_config.Train.Threads);
        return _augmenter?.Apply(batch) ?? XkdInputTensors.Of(batch, _host);
    }

    /// <summary>Takes down what of the data's state is not in the step: rows left out, and what stands in for them.</summary>
    public void Account(HostBatch batch, ITrainingObserver observer)
    {
        foreach (DamagedRow row in batch.Damaged)
        {
            Skipped++;
            observer.Note($"step {batch.Step + 1}: clip {row.ClipId} is left out, {row.Detail}; {Skipped} left out so far");
        }

        TailUsed = (batch.Step + 1) % Feed.StepsPerEpoch == 0 ? [] : batch.TailUsed;
    }

    /// <summary>Device memory in use, bytes; 0 on a CPU.</summary>
    public long UsedDeviceMemory() => _model.Device.type == DeviceType.CUDA ? CudaDriver.UsedBytes() : 0;

    /// <summary>Writes metrics to the logs; on a full disk, if the run is to go on, lines wait in memory and events are left out.</summary>
    public void Record(IReadOnlyList<StepMetrics> steps) => Logged(steps[^1].Step, () =>
    {
        Log.Append(steps);
        Events?.Append(steps);
    });

    /// <summary>Every so many steps, a picture of what is masked and reconstructed, of the batch's first clip.</summary>
    public void Picture(long step, XkdInput input)
    {
        if (Events is not null && _config.Train.ImagesEvery > 0 && step % _config.Train.ImagesEvery == 0)
        {
            using DisposeScope scope = NewDisposeScope();
            Logged(step, () => Events.Append(step, MaskedReconstruction.Of(_model, input.Video[0].narrow(0, 0, 1), input.Audio[0].narrow(0, 0, 1), (ulong)_config.Seed)));
        }
    }

    /// <summary>Writes the checkpoint of <paramref name="step"/> completed steps; on a full disk, if the run is to go on, it is left out and counted.</summary>
    /// <exception cref="FullDiskException">There is no room, and the run is to stop, or has come to its last step.</exception>
    public void Save(long step, bool last)
    {
        try
        {
            Log.Flush(); // a resumed run tells its curve up to the checkpoint
            Write(step);

            // A step leaves so little behind that the oldest generation is hardly ever looked at, and memory would creep for hours.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
        }
        catch (FullDiskException e) when (_config.Train.OnFullDisk == FullDiskPolicy.Continue && !last)
        {
            CheckpointsMissed++;
            _observer.Note($"DISK FULL at step {step}: {e.Message} Training goes on without it (train.on_full_disk: continue); {CheckpointsMissed} missed so far, " +
                $"the last good one is of step {(_checkpoints.Steps() is [long good, ..] ? good : 0)}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Feed.DisposeAsync().ConfigureAwait(false);
        _host.Dispose();
        Log?.Dispose();
        Step.Dispose();
        _model.Dispose();
    }

    private void Logged(long step, Action write)
    {
        try
        {
            write();
            _logsWait = false;
        }
        catch (FullDiskException e) when (_config.Train.OnFullDisk == FullDiskPolicy.Continue)
        {
            if (!_logsWait)
            {
                _observer.Note($"DISK FULL at step {step}: {e.Message} Until there is room, metrics wait in memory and events are left out");
            }

            _logsWait = true;
        }
    }

    private void Write(long step)
    {
        string config = ConfigBinder.ToYaml(_config);
        using DisposeScope scope = NewDisposeScope();
        List<WeightTensor> model = [], optimizer = [];
        foreach ((string name, Tensor value) in Step.ExportState())
        {
            bool isModel = name.StartsWith(ModelPrefix, StringComparison.Ordinal);
            (isModel ? model : optimizer).Add(TensorBytes.Borrow(isModel ? name[ModelPrefix.Length..] : name, value)); // no step is taken before it is written
        }

        long perEpoch = Feed.StepsPerEpoch;
        _checkpoints.Write(
            new CheckpointState
            {
                Step = step,
                Epoch = (int)(step / perEpoch),
                Position = step % perEpoch * _config.Batch,
                TailUsed = TailUsed,
                Skipped = Skipped,
                ManifestVersion = Origin.ManifestVersion,
                Seed = (ulong)_config.Seed,
                Config = config,
                ConfigHash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(config))),
                CodeVersion = typeof(TrainingSession).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown",
            },
            model,
            optimizer);
    }

    private static RunOrigin NewOrigin(TrainerOptions options, Cache cache)
    {
        (double mean, double std) = options.Config.MelScale(cache.Manifest.Mel);
        return new RunOrigin { ManifestVersion = cache.Manifest.Version, Cache = cache.Path, Clips = cache.Clips.Count, MelMean = mean, MelStd = std };
    }

    private void Restore(ITrainingObserver observer)
    {
        using Checkpoint? checkpoint = _checkpoints.OpenLatest();
        if (checkpoint is null)
        {
            return;
        }

        // Each straight into place: a run that fits into memory does so when it is resumed.
        Step.ImportState(
            checkpoint.Model.Entries.Select(e => (Name: ModelPrefix + e.Key, e.Value.Shape)).Concat(checkpoint.Optimizer.Entries.Select(e => (Name: e.Key, e.Value.Shape)))
                .ToDictionary(e => e.Name, e => e.Shape, StringComparer.Ordinal),
            (name, value) =>
            {
                bool isModel = name.StartsWith(ModelPrefix, StringComparison.Ordinal);
                TensorBytes.Read(isModel ? checkpoint.Model : checkpoint.Optimizer, isModel ? name[ModelPrefix.Length..] : name, value);
            });
        StartStep = checkpoint.State.Step;
        (TailUsed, Skipped) = (checkpoint.State.TailUsed, checkpoint.State.Skipped);
        observer.Note($"continuing {Run.Path} after step {StartStep}");
    }
}
