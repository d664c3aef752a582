using Xkd.Model.Method;

namespace Xkd.Model.Evaluation;

/// <summary>
/// A classifier trained by gradient descent, on a frozen encoder (<c>configs/eval/linear/*.yaml</c>) or with it (<c>configs/eval/finetune/*.yaml</c>).
/// </summary>
[ConfigKind("an evaluation configuration of a classifier", "xkd eval linear or finetune")]
public sealed record ClassifierConfig : EvaluationConfig
{
    public HeadSection Head { get; init; } = new();

    public ClassifierOptimSection Optim { get; init; } = new();

    public MixSection Mix { get; init; } = new();

    /// <summary>Which scores are reported: the last epoch's, the best of those evaluated, or what the released code calls best. Default last.</summary>
    public ReportedScore Report { get; init; } = ReportedScore.Last;

    /// <summary>Epochs between evaluations on the test clips; the last epoch is always evaluated. Default 0: only the last.</summary>
    [Within(0, 1_000_000)]
    public int EvaluateEvery { get; init; }

    /// <summary>Reads, binds and validates a configuration file.</summary>
    /// <exception cref="Storage.UsageException">Every error at once, one line each.</exception>
    public static ClassifierConfig Load(string path, IEnumerable<string>? overrides = null) =>
        ConfigBinder.Bind<ClassifierConfig>(ConfigFile.Load(path, overrides), EvaluationConfigRules.Check);
}

/// <summary>The course of the learning rate.</summary>
public enum LearningRateShape
{
    /// <summary>A warm-up, then half a cosine.</summary>
    Cosine,

    /// <summary>A warm-up, then the base rate.</summary>
    WarmupFixed,

    /// <summary>The base rate from the first step on.</summary>
    Fixed,

    /// <summary>A warm-up, then the base rate multiplied by gamma at each milestone.</summary>
    Step,
}

/// <summary>AdamW and its schedule.</summary>
public sealed record ClassifierOptimSection
{
    /// <summary>Passes over the training windows. Default 100.</summary>
    [Within(1, 1_000_000)]
    public int Epochs { get; init; } = 100;

    /// <summary>Default cosine.</summary>
    public LearningRateShape Schedule { get; init; } = LearningRateShape.Cosine;

    /// <summary>Base learning rate; not scaled by the batch. Default 1e-3.</summary>
    [Within(0, double.MaxValue, Above = true)]
    public double Lr { get; init; } = 1e-3;

    /// <summary>Learning rate that a cosine ends at. Default 0.</summary>
    [Within(0, double.MaxValue)]
    public double FinalLr { get; init; }

    /// <summary>Default 0.</summary>
    [Within(0, 1_000_000)]
    public int WarmupEpochs { get; init; }

    /// <summary>Learning rate that a warm-up begins at. Default 0.</summary>
    [Within(0, double.MaxValue)]
    public double WarmupLr { get; init; }

    /// <summary>Epochs at which a stepped rate falls. Default none.</summary>
    [Within(0, 1_000_000)]
    public int[] Milestones { get; init; } = [];

    /// <summary>Factor at a milestone. Default 0.1.</summary>
    [Within(0, 100)]
    public double Gamma { get; init; } = 0.1;

    /// <summary>Default 0.</summary>
    [Within(0, 100)]
    public double WeightDecay { get; init; }

    /// <summary>Learning-rate factor per layer below the head, in fine-tuning. Default 1.</summary>
    [Within(0, 1, Above = true)]
    public double LayerDecay { get; init; } = 1;

    /// <summary>Decay of the gradients' and of the squared gradients' running means. Default [0.9, 0.999].</summary>
    [Within(0, 0.999999999, Items = "gradient, squared gradient")]
    public double[] Betas { get; init; } = [0.9, 0.999];
}

/// <summary>What stands between the encoder's features and the scores.</summary>
public sealed record HeadSection
{
    /// <summary>Scale each feature vector to unit length first. Default false.</summary>
    public bool UnitLength { get; init; }

    /// <summary>Batch norm over the features. Default false.</summary>
    public bool BatchNorm { get; init; }

    /// <summary>Probability that a feature is dropped in training. Default 0.</summary>
    [Within(0, 1)]
    public double Dropout { get; init; }
}

/// <summary>Mixing of a batch's clips and labels, and label smoothing; single-label only.</summary>
public sealed record MixSection
{
    /// <summary>α of Mixup; 0 turns it off. Default 0.</summary>
    [Within(0, 1000)]
    public double Mixup { get; init; }

    /// <summary>α of CutMix; 0 turns it off. Default 0.</summary>
    [Within(0, 1000)]
    public double Cutmix { get; init; }

    /// <summary>Probability that a batch is mixed. Default 1.</summary>
    [Within(0, 1)]
    public double Probability { get; init; } = 1;

    /// <summary>Probability of CutMix where both are on. Default 0.5.</summary>
    [Within(0, 1)]
    public double Switch { get; init; } = 0.5;

    /// <summary>Label smoothing. Default 0.</summary>
    [Within(0, 1)]
    public double LabelSmoothing { get; init; }

    /// <summary>As released: CutMix cuts time and height instead of height and width. Default false.</summary>
    public bool CutmixTimeAndHeight { get; init; }

    internal bool Any => Mixup > 0 || Cutmix > 0;
}
