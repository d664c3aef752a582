using Xkd.Model.Evaluation;

namespace Xkd.Model.Configuration;

/// <summary>The frozen-feature protocol: <c>configs/eval/svm/*.yaml</c>.</summary>
public sealed record SvmConfig
{
    /// <summary>Name written into the results. Default folder.</summary>
    public string Dataset { get; init; } = "folder";

    /// <summary>Windows per clip, evenly spaced; training uses every window, testing averages their decision values. Default 1.</summary>
    public int Windows { get; init; } = 1;

    /// <summary>Values of C to choose among on a held-out part of the training clips. Default 0.001, 0.01, 0.1, 1.</summary>
    public double[] C { get; init; } = [0.001, 0.01, 0.1, 1];

    /// <summary>Share of the training clips on which C is chosen. Default 0.2.</summary>
    public double HeldOut { get; init; } = 0.2;

    /// <summary>Training clips of each class whose labels are used, drawn by the seed; fewer show what features are worth where labels are scarce. Default 0: all.</summary>
    public int LabelsPerClass { get; init; }

    /// <summary>Where labels are drawn, how often; the result is the mean. Default 5.</summary>
    public int LabelDraws { get; init; } = 5;

    /// <summary>What is done to the features before the SVM. Default standardise.</summary>
    public FeatureScaling Scaling { get; init; } = FeatureScaling.Standardise;

    /// <summary>Windows per forward pass. Default 16.</summary>
    public int Batch { get; init; } = 16;

    /// <summary>Seed of the held-out part and of the solver. Default 0.</summary>
    public long Seed { get; init; }

    /// <summary>Reads, binds and validates a configuration file.</summary>
    /// <exception cref="Storage.UsageException">Every error at once, one line each.</exception>
    public static SvmConfig Load(string path, IEnumerable<string>? overrides = null) => ConfigBinder.Bind<SvmConfig>(ConfigFile.Load(path, overrides), Check);

    private static void Check(SvmConfig c, List<string> errors)
    {
        if (c.Windows < 1 || c.Batch < 1)
        {
            errors.Add($"windows is {c.Windows}, batch is {c.Batch}; write numbers above 0");
        }

        if (c.C.Length == 0 || c.C.Any(v => v <= 0))
        {
            errors.Add($"c is [{string.Join(", ", c.C)}]; write one or more numbers above 0");
        }

        if (c.HeldOut is not (> 0 and < 1))
        {
            errors.Add($"held_out is {c.HeldOut}; write a share above 0 and below 1");
        }

        if (c.LabelDraws < 1)
        {
            errors.Add($"label_draws is {c.LabelDraws}; write a number above 0");
        }

        if (c.LabelsPerClass < 0)
        {
            errors.Add($"labels_per_class is {c.LabelsPerClass}; write a number above 0, or 0 for all");
        }

        if (c.Seed < 0)
        {
            errors.Add($"seed is {c.Seed}; write 0 or more");
        }
    }
}
