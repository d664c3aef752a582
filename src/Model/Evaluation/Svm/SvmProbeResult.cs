namespace Xkd.Model.Evaluation;

/// <summary>What <see cref="SvmProbe"/> found.</summary>
public sealed record SvmProbeResult
{
    /// <summary>The C the final fit used.</summary>
    public required double C { get; init; }

    /// <summary>How C came about, for the report: held-out share and seed, or given.</summary>
    public required string Selection { get; init; }

    /// <summary>Score of each C on what it was chosen on, percent; empty when C was given.</summary>
    public required IReadOnlyDictionary<double, double> HeldOut { get; init; }

    /// <summary>What the test clips' decision values, averaged over windows, are worth.</summary>
    public required ClipScores Scores { get; init; }

    /// <summary>Percent of test clips.</summary>
    public double Top1 => Scores.Value;

    /// <summary>Percent of test clips; every clip where there are five classes or fewer.</summary>
    public double Top5 => Scores.Top5!.Value;

    public required IReadOnlyList<string> ClassNames { get; init; }

    public ConfusionMatrix Confusion => Scores.Confusion!;

    /// <summary>Decision values averaged over windows, row-major [test clips, classes].</summary>
    public required double[] Decisions { get; init; }

    public required LinearSvmModel Model { get; init; }

    /// <summary>Score of each class that has test clips, percent.</summary>
    public IReadOnlyDictionary<string, double> PerClass => Scores.PerClass;

    internal static SvmProbeResult Of(
        LinearSvmModel model, double[] decisions, FeatureSet test, IReadOnlyDictionary<double, double> heldOut, SvmProbeOptions options) => new()
    {
        C = model.C,
        Selection = heldOut.Count == 0 ? $"C {model.C} was given"
            : options.Selection == SvmSelection.Test
            ? $"C {model.C} is the best of {string.Join(", ", heldOut.Keys)} on the test clips, as released: the score is optimistic"
            : $"C {model.C} chosen among {string.Join(", ", heldOut.Keys)} on {100 * options.HeldOut:0.#} % of the training clips (stratified, seed {options.Seed}), then fitted on all",
        HeldOut = heldOut,
        ClassNames = test.ClassNames,
        Scores = ClipScores.Of(decisions, test),
        Decisions = decisions,
        Model = model,
    };
}
