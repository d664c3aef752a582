using TorchSharp;
using Xkd.Model.Augment;
using Xkd.Model.Configuration;
using Xkd.Model.Distributed;
using Xkd.Model.Native;
using Xkd.Model.Optimization;
using Xkd.Pipeline;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

/// <summary>
/// Everything one start of a run holds: model, step, schedule, feed, logs and checkpoints, all at one step, and on all ranks the same. One thread opens, uses
/// and disposes it.
/// </summary>
internal sealed class TrainingSession : IDisposable
{
    private const int TraceSpans = 1 << 16;

    private readonly PretrainConfig _config;
    private readonly RankGroup _ranks;
    private readonly RunCheckpoints _checkpoints;
    private readonly XkdModel _model;
    private readonly HostTensors _host;
    private readonly BatchAugmenter? _augmenter;
    private RunLogs? _logs;

    private TrainingSession(
        TrainerOptions options, RunFolder run, RunOrigin origin, Cache cache, Device device, TimeProvider time, ITrainingObserver observer, RankGroup ranks)
    {
        _config = Shared(options.Config, ranks);
        _ranks = ranks;
        int cores = Math.Max(1, Environment.ProcessorCount / ranks.OnTheseCores);
        Run = run;
        Origin = origin;
        XkdOptions model = _config.ToModel();
        bool onDevice = _config.AugmentsOn(device);
        PipelineGraphOptions diagnostics = new() { StageDelays = options.StageDelays, TraceCapacity = options.Profile ? TraceSpans : 0 };
        FeedOptions feed = _config.ToFeed(model, origin.MelMean, origin.MelStd, diagnostics, onDevice, cores) with { Ranks = ranks.Size, Rank = ranks.Rank };
        Feed = new TrainingFeed(cache, feed);
        Feed.RequireRoom("data.prefetch_bytes");
        ConsumerDelay = options.StageDelays.GetValueOrDefault(PipelineGraph.Consumer);
        _host = new HostTensors(device);
        _augmenter = onDevice ? new BatchAugmenter(BatchAugmenterOptions.Of(feed, origin.MelMean, origin.MelStd), _host) : null;
        Schedule = new TrainingSchedule(_config.ToSchedule(), Feed.StepsPerEpoch);
        EndStep = Math.Min(Schedule.Steps, options.MaxSteps ?? Schedule.Steps);
        Devices.SetThreads(_config.Train.Threads, cores);
        ranks.Use(device);
        ModelCost cost = ModelCost.Of(model, _config.ToLocalViews());
        RequireMemory(cost, device);
        _model = new XkdModel(model, (ulong)_config.Seed, device);
        Step = new XkdStep(_model, _config.ToStep(ranks));
        FlopPerSample = cost.FlopPerSample;
        PeakFlops = ranks.FromFirst(() => MatmulPeak.Measure(device, Step.ProductType, time)); // by itself: ranks may share cores
        _checkpoints = new RunCheckpoints(run, origin, _config, Step, Feed.StepsPerEpoch, options, observer, ranks);
    }

    public RunFolder Run { get; }

    public RunOrigin Origin { get; }

    public TrainingFeed Feed { get; }

    /// <summary>The delay planted into the step itself.</summary>
    public TimeSpan ConsumerDelay { get; }

    public TrainingSchedule Schedule { get; }

    public XkdStep Step { get; }

    /// <summary>Steps already done when this start began.</summary>
    public long StartStep { get; private set; }

    /// <summary>Under the skip policy: places used of the tail of the epoch that the next step belongs to, of all ranks when this began and since then of this one.</summary>
    public IReadOnlyList<int> TailUsed { get; private set; } = [];

    /// <summary>Damaged rows left out by all ranks before this start began.</summary>
    public long SkippedBefore { get; private set; }

    /// <summary>Damaged rows left out by this rank since then.</summary>
    public long SkippedHere { get; private set; }

    /// <summary>Checkpoints that a full disk has cost since this start.</summary>
    public long CheckpointsMissed => _checkpoints.Missed;

    /// <summary>The step after which this start ends.</summary>
    public long EndStep { get; }

    /// <summary>Matrix work of one sample's forward and backward, FLOP.</summary>
    public double FlopPerSample { get; }

    /// <summary>Measured peak of matrix work, FLOP per second.</summary>
    public double PeakFlops { get; }

    /// <summary>Starts or continues the run; whatever does not fit is refused before anything is written.</summary>
    public static TrainingSession Open(TrainerOptions options, RunLock writer, TimeProvider time, ITrainingObserver observer, RankGroup ranks)
    {
        RunFolder run = new(options.Out);
        Device device = Devices.Parse(options.Device, ranks.LocalRank);
        RunOrigin origin = ranks.FromFirst(() => Prepare(options, run, writer)); // one look at the folder decides for all ranks
        Cache cache = Cache.Open(options.Data, origin.ManifestVersion, options.Objects);
        cache.Warnings.ToList().ForEach(observer.Note);
        origin.Require(cache); // on every rank: each may have a copy of its own
        TrainingSession session = new(options, run, origin, cache, device, time, observer, ranks);
        ranks.Barrier();
        bool begins = ranks.IsFirst && !writer.IsHeld;
        if (begins)
        {
            run.Begin(options.Config, origin, writer, session._checkpoints.Begin);
        }

        (session.StartStep, session.TailUsed, session.SkippedBefore) = session._checkpoints.Restore(begins);
        if (!ranks.IsFirst)
        {
            return session;
        }

        session._logs = new RunLogs(run, options.Config, session.StartStep, observer);
        observer.Note($"{options.Data}: version {origin.ManifestVersion}, {cache.Clips.Count} clips, {session.Feed.StepsPerEpoch} steps an epoch; " +
            $"{session.Step.TrainableCount / 1e6:f3} M trainable parameters, {session.FlopPerSample / 1e9:f1} GFLOP a sample; {device}, peak {session.PeakFlops / 1e9:f0} GFLOP/s in {session.Step.ProductType.ToString().ToLowerInvariant()}");
        if (device.type == DeviceType.CPU && LibTorch.Info.Mkl is { } mkl && origin.Mkl is { } began && began != mkl.Name)
        {
            observer.Note($"the run was begun on MKL's {began} path and goes on on its {mkl.Name} one ({mkl.Reason}): it learns the same, but not to the last bit");
        }

        if (ranks.Size > 1)
        {
            observer.Note($"{ranks.Size} ranks on {ranks.Machines} {(ranks.Machines == 1 ? "machine" : "machines")}, {session.Feed.Plan.BatchPerRank} clips each; {ranks.Name}");
        }

        return session;
    }

    /// <summary>One optimizer step over this rank's batch, in as many parts as <c>train.accumulate</c> says.</summary>
    public XkdLosses Train(XkdInputTensors input, in StepSchedule schedule)
    {
        using DisposeScope scope = NewDisposeScope();
        return Step.Run(input.Value.Split(_config.Train.Accumulate), schedule);
    }

    /// <summary>Clips that all ranks have consumed in its epoch after this zero-based step.</summary>
    public long PositionAfter(long step) => Feed.Plan.PositionOf(step) + _config.Batch;

    /// <summary>Makes sure that all ranks hold the same model.</summary>
    /// <exception cref="FailureException">A rank differs; it is named on all ranks.</exception>
    public void Compare(long step)
    {
        if (_ranks.Size > 1)
        {
            ReplicaCheck.Require(_ranks, step, Step.ExportState());
        }
    }

    /// <summary>The batch as the model's input.</summary>
    public XkdInputTensors ToDevice(HostBatch batch) => _augmenter?.Apply(batch) ?? XkdInputTensors.Of(batch, _host);

    /// <summary>Takes down what of the data's state is not in the step: rows left out, and what stands in for them.</summary>
    public void Account(HostBatch batch, ITrainingObserver observer)
    {
        foreach (DamagedRow row in batch.Damaged)
        {
            SkippedHere++;
            observer.Note($"step {batch.Step + 1}: clip {row.ClipId} is left out, {row.Detail}; {SkippedBefore + SkippedHere} left out so far");
        }

        TailUsed = (batch.Step + 1) % Feed.StepsPerEpoch == 0 ? [] : batch.TailUsed;
    }

    /// <summary>Device memory in use, bytes; 0 on a CPU.</summary>
    public long UsedDeviceMemory() => _model.Device.type == DeviceType.CUDA ? CudaDriver.UsedBytes() : 0;

    /// <summary>Writes metrics to the logs, on rank 0.</summary>
    /// <exception cref="FullDiskException">There is no room, and the run is to stop.</exception>
    public void Record(IReadOnlyList<StepMetrics> steps) => _logs?.Record(steps);

    /// <summary>Every so many steps, a picture of what is masked and reconstructed, of rank 0's first clip.</summary>
    /// <exception cref="FullDiskException">There is no room, and the run is to stop.</exception>
    public void Picture(long step, XkdInput input) => _logs?.Picture(step, _model, input);

    /// <summary>
    /// Writes the checkpoint of <paramref name="step"/> completed steps, on rank 0; all ranks call it, for each knows a part of it. On a full disk, if the run
    /// is to go on, it is left out and counted.
    /// </summary>
    /// <exception cref="FullDiskException">There is no room, and the run is to stop, or has come to its last step.</exception>
    public void Save(long step, bool last)
    {
        IReadOnlyList<Part> parts = _ranks.All(new Part(TailUsed, SkippedHere));
        if (_ranks.IsFirst)
        {
            _checkpoints.Save(new RunPosition(step, [.. parts.SelectMany(part => part.TailUsed).Distinct().Order()], SkippedBefore + parts.Sum(part => part.Skipped)), last, _logs);
        }

        // A step leaves so little behind that the oldest generation is hardly ever looked at, and memory would creep for hours.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
    }

    public void Dispose()
    {
        Feed.DisposeAsync().AsTask().GetAwaiter().GetResult(); // the session has a thread of its own, which may wait
        _host.Dispose();
        _logs?.Dispose();
        Step.Dispose();
        _model.Dispose();
    }

    // Parameters, gradients and two moments, float32: what the machine cannot hold would end the process without a word.
    private static void RequireMemory(ModelCost cost, Device device)
    {
        double needed = sizeof(float) * (cost.Total + (3.0 * cost.Trainable)), there = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (device.type == DeviceType.CPU && needed > there)
        {
            throw new UsageException($"the model has {cost.Total / 1e6:f0} M parameters, which take {needed / 1e9:f1} GB to train, and this machine has {there / 1e9:f1} GB; "
                + "lower model.encoder.dim, model.encoder.depth, or what else in model.* is large");
        }
    }

    private static PretrainConfig Shared(PretrainConfig config, RankGroup ranks)
    {
        IReadOnlyList<string> all = ranks.All(ConfigBinder.ToYaml(config));
        for (int rank = 1; rank < all.Count; rank++)
        {
            if (all[rank] != all[0])
            {
                (string there, string first) = all[rank].Split('\n').Zip(all[0].Split('\n')).First(lines => lines.First != lines.Second);
                throw new UsageException($"rank {rank} was started with another configuration than rank 0: {there.Trim()}, not {first.Trim()}; give all ranks the same --config and --set");
            }
        }

        int perRank = config.Batch / ranks.Size;
        return config.Batch % ranks.Size != 0 || perRank % config.Train.Accumulate == 0 // the feed has a word for batches that do not split over the ranks
            ? config
            : throw new UsageException($"train.accumulate is {config.Train.Accumulate}; write a divisor of the {perRank} clips that each of {ranks.Size} ranks has of a batch of {config.Batch}");
    }

    private static RunOrigin Prepare(TrainerOptions options, RunFolder run, RunLock writer)
    {
        if (run.HasRun)
        {
            writer.Take(); // what is looked at from here on stays as it is
        }

        if (options.Resume == ResumeMode.Required && !run.HasRun)
        {
            throw new UsageException($"{options.Out} holds no run to resume; leave --resume out, or write --resume auto");
        }

        run.Check(options.Config, options.Resume != ResumeMode.Never);
        return run.ReadOrigin() ?? NewOrigin(options, Cache.Open(options.Data, null, options.Objects));
    }

    private static RunOrigin NewOrigin(TrainerOptions options, Cache cache)
    {
        (double mean, double std) = options.Config.MelScale(cache.Manifest.Mel);
        return new RunOrigin
        {
            ManifestVersion = cache.Manifest.Version, Cache = cache.Path, Clips = cache.Clips.Count, ClipsSha256 = cache.ClipsHash(), MelMean = mean, MelStd = std, Mkl = LibTorch.Info.Mkl?.Name,
        };
    }

    private sealed record Part(IReadOnlyList<int> TailUsed, long Skipped);
}
