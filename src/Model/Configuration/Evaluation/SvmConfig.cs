using Xkd.Model.Evaluation;

namespace Xkd.Model.Configuration;

/// <summary>The frozen-feature protocol: <c>configs/eval/svm/*.yaml</c>.</summary>
public sealed record SvmConfig : EvaluationConfig
{
    /// <summary>Values of C to choose among. Default 0.001, 0.01, 0.1, 1, 10.</summary>
    [Within(0, 1e12, Above = true)]
    public double[] C { get; init; } = [0.001, 0.01, 0.1, 1, 10];

    /// <summary>What C is chosen on: held-out training clips, or the test clips as the released code does, which the result then says. Default held_out.</summary>
    public SvmSelection Selection { get; init; } = SvmSelection.HeldOut;

    /// <summary>Share of the training clips on which C is chosen. Default 0.2.</summary>
    [Within(0, 1, Above = true)]
    public double HeldOut { get; init; } = 0.2;

    /// <summary>Passes over the features at most, per fit; some tens are enough, and the result says when they were not. Default 10000.</summary>
    [Within(1, 1_000_000_000)]
    public int MaxIterations { get; init; } = 10_000;

    /// <summary>Training clips of each class whose labels are used, drawn by the seed; fewer show what features are worth where labels are scarce. Default 0: all.</summary>
    [Within(0, int.MaxValue)]
    public int LabelsPerClass { get; init; }

    /// <summary>Where labels are drawn, how often; the result is the mean. Default 5.</summary>
    [Within(1, 10_000)]
    public int LabelDraws { get; init; } = 5;

    /// <summary>What is done to the features before the SVM. Default standardise.</summary>
    public FeatureScaling Scaling { get; init; } = FeatureScaling.Standardise;

    /// <summary>Reads, binds and validates a configuration file; without one, the defaults with the overrides.</summary>
    /// <exception cref="Storage.UsageException">Every error at once, one line each.</exception>
    public static SvmConfig Load(string? path, IEnumerable<string>? overrides = null) => ConfigBinder.Bind<SvmConfig>(ConfigFile.Load(path, overrides), Check);

    private static void Check(SvmConfig c, List<string> errors)
    {
        EvaluationConfigRules.Check(c, errors);
        if (c.C.Length == 0)
        {
            errors.Add("c is []; write one or more numbers above 0");
        }

        if (c.HeldOut == 1)
        {
            errors.Add($"held_out is {c.HeldOut}; write a share above 0 and below 1");
        }

        if (c.LabelsPerClass > 0 && c.Labels == LabelKind.Multi)
        {
            errors.Add($"labels_per_class is {c.LabelsPerClass}; write 0 for all, or with one label a clip a number above 0");
        }
    }
}
