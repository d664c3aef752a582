using Xkd.Model.Method;

namespace Xkd.Model.Evaluation;

/// <summary>Which encoders an evaluation uses.</summary>
public enum EvaluationModality
{
    Video,
    Audio,

    /// <summary>Both, their features joined: audio first.</summary>
    Av,
}

/// <summary>Whether a clip has one class or any number of them.</summary>
public enum LabelKind
{
    /// <summary>One class; judged by accuracy.</summary>
    Single,

    /// <summary>Any number of classes; judged by mean average precision.</summary>
    Multi,
}

/// <summary>What every evaluation protocol says: <c>configs/eval/PROTOCOL/DATASET.yaml</c>.</summary>
public abstract record EvaluationConfig
{
    /// <summary>Name written into the results. Default folder.</summary>
    public string Dataset { get; init; } = "folder";

    /// <summary>Which encoders; the command's <c>--modality</c> overrides it. Default video.</summary>
    public EvaluationModality Modality { get; init; } = EvaluationModality.Video;

    /// <summary>One class a clip, or several. Default single.</summary>
    public LabelKind Labels { get; init; } = LabelKind.Single;

    /// <summary>Windows per training step or forward pass. Default 16.</summary>
    [Within(1, 65_536)]
    public int Batch { get; init; } = 16;

    /// <summary>Seed of everything drawn. Default 0.</summary>
    [Within(0, long.MaxValue)]
    public long Seed { get; init; }

    /// <summary>Height and width of the frames, pixels; an encoder of another size has its positions interpolated. Default null: the encoder's own.</summary>
    [Within(1, 4096)]
    public int? FrameSize { get; init; }

    /// <summary>Which rule the cached frames must have been made by; any takes caches of older versions, too. Default on_screen.</summary>
    public FrameRule FrameRule { get; init; } = FrameRule.OnScreen;

    /// <summary>At most this many classes are used, the first by name (multi-label: only clips of them). Default 0: all.</summary>
    [Within(0, int.MaxValue)]
    public int MaxClasses { get; init; }

    /// <summary>
    /// At most this many training clips of each class are used, drawn by the seed; multi-label: this many times the number of classes. Default 0: all.
    /// </summary>
    [Within(0, int.MaxValue)]
    public int MaxTrainClips { get; init; }

    /// <summary>As <see cref="MaxTrainClips"/>, of the test clips. Default 0: all.</summary>
    [Within(0, int.MaxValue)]
    public int MaxTestClips { get; init; }

    public SplitSection Split { get; init; } = new();

    public TrainViewSection Train { get; init; } = new();

    public TestViewSection Test { get; init; } = new();

    public EncoderSection Encoder { get; init; } = new();
}

/// <summary>The frozen-feature protocol: <c>configs/eval/svm/*.yaml</c>.</summary>
[ConfigKind("an evaluation configuration of an SVM", "xkd eval svm")]
public sealed record SvmConfig : EvaluationConfig
{
    /// <summary>Values of C to choose among. Default 0.001, 0.01, 0.1, 1, 10.</summary>
    [Within(0, 1e12, Above = true)]
    public double[] C { get; init; } = [0.001, 0.01, 0.1, 1, 10];

    /// <summary>
    /// What C is chosen on: held-out training clips, or the test clips as the released code does, which the result then says. Default held_out.
    /// </summary>
    public SvmSelection Selection { get; init; } = SvmSelection.HeldOut;

    /// <summary>Share of the training clips on which C is chosen. Default 0.2.</summary>
    [Within(0, 1, Above = true)]
    public double HeldOut { get; init; } = 0.2;

    /// <summary>Passes over the features at most, per fit; some tens are enough, and the result says when they were not. Default 10000.</summary>
    [Within(1, 1_000_000_000)]
    public int MaxIterations { get; init; } = 10_000;

    /// <summary>
    /// Training clips of each class whose labels are used, drawn by the seed; fewer show what features are worth where labels are scarce. Default 0: all.
    /// </summary>
    [Within(0, int.MaxValue)]
    public int LabelsPerClass { get; init; }

    /// <summary>Where labels are drawn, how often; the result is the mean. Default 5.</summary>
    [Within(1, 10_000)]
    public int LabelDraws { get; init; } = 5;

    /// <summary>What is done to the features before the SVM. Default standardise.</summary>
    public FeatureScaling Scaling { get; init; } = FeatureScaling.Standardise;

    /// <summary>Reads, binds and validates a configuration file; without one, the defaults with the overrides.</summary>
    /// <exception cref="Storage.UsageException">Every error at once, one line each.</exception>
    public static SvmConfig Load(string? path, IEnumerable<string>? overrides = null) =>
        ConfigBinder.Bind<SvmConfig>(ConfigFile.Load(path, overrides), EvaluationConfigRules.Check);
}

/// <summary>What evaluation configurations must satisfy beside the ranges of their numbers: one line per broken rule.</summary>
internal static class EvaluationConfigRules
{
    public static void Check(EvaluationConfig c, List<string> errors)
    {
        var t = c.Train;
        Masks(t.FrequencyMasks, "train.frequency_masks");
        Masks(t.TimeMasks, "train.time_masks");
        var erases = t.RandOperations != 0 || t.Erasing != 0;
        Require(t.Augment || !erases, "train.rand_operations or train.erasing is set but train.augment is false; set it to true");
        if (c is SvmConfig svm)
        {
            Require(svm.C.Length > 0, "c is []; write one or more numbers above 0");
            Require(svm.HeldOut != 1, $"held_out is {svm.HeldOut}; write a share above 0 and below 1");
            var drawn = svm.LabelsPerClass > 0 && svm.Labels == LabelKind.Multi;
            Require(!drawn, $"labels_per_class is {svm.LabelsPerClass}; write 0 for all, or with one label a clip a number above 0");
        }

        if (c is ClassifierConfig { Optim: var o } classifier)
        {
            Require(o.WarmupEpochs <= o.Epochs, $"optim.warmup_epochs is {o.WarmupEpochs} of {o.Epochs} epochs; the warm-up cannot outlast the run");
            Require(classifier.Mix.LabelSmoothing != 1, "mix.label_smoothing is 1; write 0 or more, below 1");
            Require(classifier.Head.Dropout != 1, $"head.dropout is {classifier.Head.Dropout}; write a probability below 1");
            var mixes = classifier.Mix.Any || classifier.Mix.LabelSmoothing > 0;
            Require(!mixes || c.Labels == LabelKind.Single, "mix.* is set but labels is multi; mixing needs one class a clip");
            Require(!classifier.Mix.Any || c.Batch % 2 == 0, $"batch is {c.Batch}; mixing pairs the clips of a batch, write an even number");
        }

        void Require(bool holds, string error)
        {
            if (!holds)
            {
                errors.Add(error);
            }
        }

        void Masks(int[] masks, string key) => Require(masks.Length != 2 || masks[1] >= 1, $"{key} is [{string.Join(", ", masks)}]; write [number, bound]");
    }
}
