namespace Xkd.Model.Method;

/// <summary>Everything that defines a pre-training run. The defaults are the paper's Kinetics-400 recipe for XKD.</summary>
[ConfigKind("a pre-training configuration", "xkd train")]
public sealed record PretrainConfig
{
    // Keys of older versions, each with what to do about it.
    private static readonly Dictionary<string, string> Retired = new(StringComparer.Ordinal)
    {
        ["augment.device"] = "it was removed: views are always made by the feed's workers; delete the line",
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

    /// <summary>The global video view, which the networks are made for, and its cuboids.</summary>
    public VideoGeometry VideoGeometry => new()
    {
        Frames = Data.GlobalFrames, Height = Data.GlobalSize, Width = Data.GlobalSize, PatchFrames = Model.VideoPatch[0], PatchHeight = Model.VideoPatch[1], PatchWidth = Model.VideoPatch[2],
    };

    /// <summary>The global audio view and its patches.</summary>
    public AudioGeometry AudioGeometry => new() { Mels = Data.Mels, Frames = Data.GlobalMelFrames, PatchMels = Model.AudioPatch[0], PatchFrames = Model.AudioPatch[1] };

    /// <summary>Reads, binds and validates a configuration file with its <c>--set</c> overrides.</summary>
    /// <exception cref="Storage.UsageException">Every error at once, one line each.</exception>
    public static PretrainConfig Load(string path, IEnumerable<string>? overrides = null) =>
        ConfigBinder.Bind<PretrainConfig>(ConfigFile.Load(path, overrides), ConfigRules.Check, Retired);

    /// <summary>Refuses values that cannot be, as <see cref="Load"/> does; for a configuration that is made in code.</summary>
    /// <exception cref="Storage.UsageException">Every error at once, one line each.</exception>
    public void Check() => ConfigBinder.Check(this, ConfigRules.Check);

    /// <summary>Reads the configuration that a run was started with. Keys that have been removed since then are ignored.</summary>
    /// <exception cref="Storage.UsageException">Every error at once, one line each.</exception>
    internal static PretrainConfig LoadOfRun(string path) =>
        ConfigBinder.Bind<PretrainConfig>(ConfigFile.Load(path).Without(Retired.Keys), ConfigRules.Check);
}

/// <summary>How far the two modalities share one set of transformer blocks (paper, section on modality-agnostic encoders).</summary>
public enum XkdVariant
{
    /// <summary>Modality-specific: every network has its own blocks.</summary>
    Xkd,

    /// <summary>Modality-agnostic student: the two students share their blocks, the teachers do not.</summary>
    Mas,

    /// <summary>Modality-agnostic teacher and student: the students share one set of blocks, the teachers another.</summary>
    Mats,
}
