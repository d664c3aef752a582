using TorchSharp;
using Xkd.Model.Method;
using Xkd.Model.Ranks;
using Xkd.Model.Torch;
using Xkd.Model.Weights;
using Xkd.Pipeline;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

/// <summary>
/// What the trainer of one start of a run works with: feed, step, schedule, journal and checkpoints, all at one step, and on all ranks the same. One thread opens, uses
/// and disposes it.
/// </summary>
internal sealed class TrainerParts : IDisposable
{
    private const int TraceSpans = 1 << 16;

    private readonly XkdModel _model;

    private TrainerParts(TrainerOptions options, RunOrigin origin, IReadOnlyList<MixMember> mix, Device device, RunLock writer, TimeProvider time, ITrainingObserver observer, RankGroup ranks)
    {
        var (config, run) = (options.Config, new RunFolder(options.Out));
        var cores = Math.Max(1, Environment.ProcessorCount / ranks.OnTheseCores);
        var diagnostics = new PipelineGraphOptions { StageDelays = options.StageDelays, TraceCapacity = options.Profile ? TraceSpans : 0 };
        var feed = config.ToFeed(origin.MelMean, origin.MelStd, diagnostics, cores) with { Ranks = ranks.Size, Rank = ranks.Rank };
        Feed = new ClipFeed(mix, feed);
        Feed.RequireRoom("data.prefetch_bytes");
        Host = new HostTensors(device);
        Schedule = new TrainingSchedule(config, Feed.StepsPerEpoch);
        EndStep = Math.Min(Schedule.Steps, options.MaxSteps ?? Schedule.Steps);
        Devices.SetThreads(config.Train.Threads, cores);
        ranks.Use(device);
        var cost = ModelCost.Of(config);
        RequireMemory(cost, device);
        _model = new XkdModel(config, (ulong)config.Seed, device);
        if (options.Weights.Count > 0)
        {
            StartingWeights.Apply(_model, options.Weights).Where(_ => ranks.IsFirst).ToList().ForEach(observer.Note);
        }

        Step = new XkdStep(_model, StepExchange.Of(ranks, config));
        var peak = ranks.FromFirst(() => MatmulPeak.Measure(device, Step.ProductType, time)); // by itself: ranks may share cores
        Checkpoints = new RunCheckpoints(run, origin, config, Step, Feed.StepsPerEpoch, options, observer, ranks);
        ranks.Barrier();
        var begins = ranks.IsFirst && !writer.IsHeld;
        if (begins)
        {
            run.Begin(config, origin, writer, Checkpoints.Begin);
        }

        State = new FeedState(Checkpoints.Restore(begins), Feed.StepsPerEpoch);
        var planted = options.StageDelays.GetValueOrDefault(PipelineGraph.Consumer);
        Journal = new RunJournal(run, config, Feed, EndStep, State, new StepCost(cost.FlopPerSample, peak, device.type == DeviceType.CUDA, planted), ranks, observer, time);
        if (!ranks.IsFirst)
        {
            return;
        }

        observer.Note($"{RunData.Describe(mix)}, {Feed.StepsPerEpoch} steps an epoch; {Step.TrainableCount / 1e6:f3} M trainable parameters, "
            + $"{cost.FlopPerSample / 1e9:f1} GFLOP a sample; {device}, peak {peak / 1e9:f0} GFLOP/s in {Step.ProductType.ToString().ToLowerInvariant()}");
        if (device.type == DeviceType.CUDA)
        {
            observer.Note($"kernels between the products: {_model.Kernels}");
        }

        if (device.type == DeviceType.CPU && LibTorch.Info.Mkl is { } mkl && origin.Mkl is { } began && began != mkl.Name)
        {
            observer.Note($"the run was begun on MKL's {began} path and goes on on its {mkl.Name} one ({mkl.Reason}): it learns the same, but not to the last bit");
        }

        if (options.Mlflow is { } mlflow)
        {
            Mlflow = new MlflowSender(mlflow, run, ConfigBinder.Leaves(config), RunTags.Of(run, mix, ranks, device), observer, time);
        }

        if (ranks.Size > 1)
        {
            observer.Note($"{ranks.Size} ranks on {ranks.Machines} {(ranks.Machines == 1 ? "machine" : "machines")}, {Feed.Plan.BatchPerRank} clips each; {ranks.Name}");
        }
    }

    public ClipFeed Feed { get; }

    public HostTensors Host { get; }

    public TrainingSchedule Schedule { get; }

    public XkdStep Step { get; }

    public RunCheckpoints Checkpoints { get; }

    public RunJournal Journal { get; }

    public FeedState State { get; }

    /// <summary>Sends the run to an MLflow server; null where none is named, and on ranks other than the first.</summary>
    public MlflowSender? Mlflow { get; }

    /// <summary>The step after which this start ends.</summary>
    public long EndStep { get; }

    /// <summary>Starts or continues the run; whatever does not fit is refused before anything is written.</summary>
    public static TrainerParts Open(TrainerOptions options, RunLock writer, TimeProvider time, ITrainingObserver observer, RankGroup ranks)
    {
        options.Config.Check(); // one that a program made was never read from a file
        var device = Devices.Parse(options.Device, ranks.LocalRank);
        var origin = ranks.FromFirst(() => Prepare(options, writer)); // one look at the folder decides for all ranks
        var mix = RunData.Open(options, origin); // on every rank: each may have a copy of its own
        mix.SelectMany(m => m.Cache.Warnings).ToList().ForEach(observer.Note);
        RequireShared(options.Config, ranks);
        return new TrainerParts(options, origin, mix, device, writer, time, observer, ranks);
    }

    public void Dispose()
    {
        Host.Dispose();
        Feed.DisposeAsync().AsTask().GetAwaiter().GetResult(); // the run has a thread of its own, which may wait
        Journal.Dispose();
        Mlflow?.Dispose();
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

    private static void RequireShared(PretrainConfig config, RankGroup ranks)
    {
        var all = ranks.All(ConfigBinder.ToYaml(config));
        for (var rank = 1; rank < all.Count; rank++)
        {
            if (all[rank] != all[0])
            {
                var (there, first) = all[rank].Split('\n').Zip(all[0].Split('\n')).First(lines => lines.First != lines.Second);
                throw new UsageException($"rank {rank} was started with another configuration than rank 0: {there.Trim()}, not {first.Trim()}; give all ranks the same --config and --set");
            }
        }

        var perRank = config.Batch / ranks.Size;
        if (config.Batch % ranks.Size == 0 && perRank % config.Train.Accumulate != 0) // the feed has a word for batches that do not split over the ranks
        {
            throw new UsageException($"train.accumulate is {config.Train.Accumulate}; write a divisor of the {perRank} clips that each of {ranks.Size} ranks has of a batch of {config.Batch}");
        }
    }

    /// <summary>What a run is started on, or was; whatever does not fit is refused.</summary>
    /// <param name="options">The start.</param>
    /// <param name="writer">Taken where there is a run; null: nothing will be written.</param>
    internal static RunOrigin Prepare(TrainerOptions options, RunLock? writer)
    {
        var run = new RunFolder(options.Out);
        if (run.HasRun)
        {
            writer?.Take(); // what is looked at from here on stays as it is
        }

        if (options.Resume == ResumeMode.Required && !run.HasRun)
        {
            throw new UsageException($"{options.Out} holds no run to resume; leave --resume out, or write --resume auto");
        }

        run.Check(options.Config, options.Resume != ResumeMode.Never);
        var weights = options.Weights.ToDictionary(path => path, WeightImporter.Hash, StringComparer.Ordinal);
        if (run.ReadOrigin() is { } origin)
        {
            var began = origin.Weights.Count > 0 ? string.Join(", ", origin.Weights.Keys) : "values drawn by its seed";
            return !weights.Values.Except(origin.Weights.Values, StringComparer.Ordinal).Any() ? origin : throw new UsageException(
                $"{options.Out} was started from {began}, not from {string.Join(", ", weights.Keys)}: leave --weights out, or train into another --out");
        }

        return NewOrigin(options, RunData.Open(options, origin: null), weights);
    }

    private static RunOrigin NewOrigin(TrainerOptions options, IReadOnlyList<MixMember> mix, Dictionary<string, string> weights)
    {
        var (mean, std) = options.Config.MelScale(MixMember.MelOf(mix));
        return new RunOrigin { Caches = RunData.Pin(mix), MelMean = mean, MelStd = std, Mkl = LibTorch.Info.Mkl?.Name, Weights = weights };
    }
}
