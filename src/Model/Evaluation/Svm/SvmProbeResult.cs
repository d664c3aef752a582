namespace Xkd.Model.Evaluation;

/// <summary>The fits of one probe.</summary>
/// <param name="Model">The final one; it takes features as they are.</param>
/// <param name="Scores">Score of each C on what it was chosen on, percent; empty when C was given.</param>
/// <param name="Converged">Every fit is at its optimum.</param>
/// <param name="Passes">Passes over the features that the longest fit took.</param>
public sealed record SvmFits(LinearSvmModel Model, IReadOnlyDictionary<double, double> Scores, bool Converged, int Passes);

/// <summary>What <see cref="SvmProbe"/> found.</summary>
public sealed record SvmProbeResult
{
    public required SvmFits Fits { get; init; }

    /// <summary>The C the final fit used.</summary>
    public double C => Model.C;

    /// <summary>How C came about, for the report: held-out share and seed, or given.</summary>
    public required string Selection { get; init; }

    /// <summary>Score of each C on what it was chosen on, percent; empty when C was given.</summary>
    public IReadOnlyDictionary<double, double> HeldOut => Fits.Scores;

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

    public LinearSvmModel Model => Fits.Model;

    /// <summary>Score of each class that has test clips, percent.</summary>
    public IReadOnlyDictionary<string, double> PerClass => Scores.PerClass;
}
