using Xkd.Model.Method;
using Xkd.Model.Weights;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Model.Training;

/// <summary>One start of a run: what is trained, on what, and how far.</summary>
public sealed record TrainerOptions
{
    /// <summary>Networks, objectives, views and schedule: of a file (<see cref="PretrainConfig.Load"/>), or made in code.</summary>
    public required PretrainConfig Config { get; init; }

    /// <summary>
    /// The caches to train on, each a folder or <c>s3://bucket/prefix</c>, alone or as CACHE@WEIGHT. Empty: those of the configuration, and of a run that goes on those it was started on.
    /// </summary>
    public IReadOnlyList<string> Data { get; init; } = [];

    /// <summary>Weights that a run starts from: runs, official files or single encoders. Empty: from values drawn by the seed.</summary>
    public IReadOnlyList<string> Weights { get; init; } = [];

    /// <summary>How a cache in an object store is reached; null asks the environment.</summary>
    public ObjectStoreOptions? Objects { get; init; }

    /// <summary>The run folder.</summary>
    public required string Out { get; init; }

    /// <summary>What to do with a run that the folder already holds. Default: refuse it.</summary>
    public ResumeMode Resume { get; init; }

    /// <summary>Steps after which to stop, counted from the run's very first; null: the whole run.</summary>
    public long? MaxSteps { get; init; }

    /// <summary>Stop with a checkpoint after this long, to be continued; null: no limit.</summary>
    public TimeSpan? MaxTime { get; init; }

    /// <summary><c>cpu</c>, <c>cuda</c>, <c>cuda:k</c> or <c>auto</c> (the first GPU where there is one). Default auto.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>
    /// An MLflow server that gets parameters, tags and every step's metrics; null (default): none. Training never waits for it, but for a moment at its end.
    /// </summary>
    public MlflowOptions? Mlflow { get; init; }

    /// <summary>What checkpoints are written to; a test puts a disk that fails in its place.</summary>
    internal ICheckpointFiles Files { get; init; } = new CheckpointFiles();

    /// <summary>Write what every feed stage measured as <c>profile.json</c>, <c>profile.html</c> and <c>trace.json</c> into the run folder. Default false.</summary>
    public bool Profile { get; init; }

    /// <summary>Delays injected into named stages of the feed, to show that the report names them. Default none.</summary>
    public IReadOnlyDictionary<string, TimeSpan> StageDelays { get; init; } = new Dictionary<string, TimeSpan>(StringComparer.Ordinal);
}

/// <summary>What to do with a run folder that already holds a run.</summary>
public enum ResumeMode
{
    /// <summary>Refuse it.</summary>
    Never,

    /// <summary>Continue it; there must be one.</summary>
    Required,

    /// <summary>Continue it if there is one, otherwise start: what a requeued job wants.</summary>
    Auto,
}

/// <summary>How one start of a run ended.</summary>
/// <param name="Steps">Optimizer steps the run has done in all.</param>
/// <param name="TotalSteps">Steps of the whole run.</param>
/// <param name="Stopped">Stopped on request with a checkpoint; the same command with <c>--resume</c> continues.</param>
/// <param name="Last">The last step's metrics; null when no step was done.</param>
/// <param name="PeakRss">Largest resident set of the process, bytes.</param>
/// <param name="Feed">Where the feed's time went.</param>
public sealed record TrainResult(long Steps, long TotalSteps, bool Stopped, StepMetrics? Last, long PeakRss, GraphReport Feed)
{
    /// <summary>Checkpoints that a full disk has cost since this start.</summary>
    public long CheckpointsMissed { get; init; }
}

/// <summary>Sees a run as it goes; called on the training thread, once per log interval.</summary>
public interface ITrainingObserver
{
    /// <summary>A sentence about the run: what was loaded, resumed or saved.</summary>
    void Note(string text);

    /// <summary>The steps since the last call, in order, never empty.</summary>
    /// <param name="steps">Their metrics.</param>
    /// <param name="totalSteps">The step after which this start ends: the run's last, or <see cref="TrainerOptions.MaxSteps"/>.</param>
    void Steps(IReadOnlyList<StepMetrics> steps, long totalSteps);

    /// <summary>What the run's numbers say so far; called after <see cref="Steps"/>.</summary>
    void Health(RunVerdict verdict)
    {
        // What turns is a note too.
    }

    /// <summary>Where the feed's time has gone so far; called after <see cref="Steps"/>.</summary>
    void Feed(GraphReport report)
    {
        // Most do not look at it.
    }
}
