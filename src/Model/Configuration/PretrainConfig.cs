namespace Xkd.Model.Configuration;

/// <summary>Everything that defines a pre-training run. The defaults are the paper's Kinetics-400 recipe for XKD.</summary>
public sealed record PretrainConfig
{
    // Keys of older versions, each with what to do about it.
    private static readonly Dictionary<string, string> Retired = new(StringComparer.Ordinal)
    {
        ["train.overlap"] = "it was removed: gradients are always exchanged after the backward pass; delete the line",
    };

    /// <summary>Modality-specific encoders, one shared student backbone, or shared student and teacher backbones.</summary>
    public XkdVariant Variant { get; init; } = XkdVariant.Xkd;

    /// <summary>Clips per optimizer step over all ranks; must be divisible by the number of ranks. Default 256.</summary>
    [Within(1, 1_000_000)]
    public int Batch { get; init; } = 256;

    /// <summary>Seeds the initialisation, the clip order and every random draw. Default 0.</summary>
    [Within(0, long.MaxValue)]
    public long Seed { get; init; }

    public DataSection Data { get; init; } = new();

    public AugmentSection Augment { get; init; } = new();

    public ModelSection Model { get; init; } = new();

    public ObjectiveSection Objective { get; init; } = new();

    public OptimSection Optim { get; init; } = new();

    public TrainSection Train { get; init; } = new();

    /// <summary>Reads, binds and validates a configuration file with its <c>--set</c> overrides.</summary>
    /// <exception cref="Storage.UsageException">Every error at once, one line each.</exception>
    public static PretrainConfig Load(string path, IEnumerable<string>? overrides = null) =>
        ConfigBinder.Bind<PretrainConfig>(ConfigFile.Load(path, overrides), PretrainConfigRules.Check, Retired);

    /// <summary>Reads the configuration that a run was started with. Keys that have been removed since then are ignored.</summary>
    /// <exception cref="Storage.UsageException">Every error at once, one line each.</exception>
    internal static PretrainConfig LoadOfRun(string path) =>
        ConfigBinder.Bind<PretrainConfig>(ConfigFile.Load(path).Without(Retired.Keys), PretrainConfigRules.Check);
}
