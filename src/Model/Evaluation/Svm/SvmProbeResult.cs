namespace Xkd.Model.Evaluation;

/// <summary>What <see cref="SvmProbe"/> found.</summary>
public sealed record SvmProbeResult
{
    /// <summary>The C the final fit used.</summary>
    public required double C { get; init; }

    /// <summary>How C came about, for the report: held-out share and seed, or given.</summary>
    public required string Selection { get; init; }

    /// <summary>Accuracy on the held-out training clips for each C, percent; empty when C was given.</summary>
    public required IReadOnlyDictionary<double, double> HeldOut { get; init; }

    /// <summary>Percent of test clips.</summary>
    public required double Top1 { get; init; }

    /// <summary>Percent of test clips; every clip where there are five classes or fewer.</summary>
    public required double Top5 { get; init; }

    public required IReadOnlyList<string> ClassNames { get; init; }

    public required ConfusionMatrix Confusion { get; init; }

    /// <summary>Decision values averaged over windows, row-major [test clips, classes].</summary>
    public required double[] Decisions { get; init; }

    public required LinearSvmModel Model { get; init; }

    /// <summary>Accuracy of each class that has test clips, percent.</summary>
    public IReadOnlyDictionary<string, double> PerClass => Enumerable.Range(0, ClassNames.Count)
        .Where(c => Confusion.Accuracy(c) is not null)
        .ToDictionary(c => ClassNames[c], c => Confusion.Accuracy(c)!.Value, StringComparer.Ordinal);

    internal static SvmProbeResult Of(
        LinearSvmModel model, double[] decisions, FeatureSet test, IReadOnlyDictionary<double, double> heldOut, SvmProbeOptions options)
    {
        ConfusionMatrix confusion = new(model.Classes);
        for (int clip = 0; clip < test.Clips; clip++)
        {
            confusion.Add(test.Labels[clip], TopK.Best(decisions.AsSpan(clip * model.Classes, model.Classes)));
        }

        return new SvmProbeResult
        {
            C = model.C,
            Selection = heldOut.Count == 0
                ? $"C {model.C} was given"
                : $"C {model.C} chosen among {string.Join(", ", heldOut.Keys)} on {100 * options.HeldOut:0.#} % of the training clips (stratified, seed {options.Seed}), then fitted on all",
            HeldOut = heldOut,
            Top1 = TopK.Accuracy(decisions, model.Classes, test.Labels, 1),
            Top5 = TopK.Accuracy(decisions, model.Classes, test.Labels, 5),
            ClassNames = test.ClassNames,
            Confusion = confusion,
            Decisions = decisions,
            Model = model,
        };
    }
}
