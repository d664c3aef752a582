using Xkd.Model.Evaluation;

namespace Xkd.Model.Configuration;

/// <summary>A classifier trained by gradient descent, on a frozen encoder (<c>configs/eval/linear/*.yaml</c>) or with it (<c>configs/eval/finetune/*.yaml</c>).</summary>
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
