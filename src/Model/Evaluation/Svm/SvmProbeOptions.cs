namespace Xkd.Model.Evaluation;

/// <summary>Options of <see cref="SvmProbe"/>.</summary>
public sealed record SvmProbeOptions
{
    /// <summary>Values of C to try. Default 0.001, 0.01, 0.1, 1. With a single one nothing is held out.</summary>
    public IReadOnlyList<double> Cs { get; init; } = [0.001, 0.01, 0.1, 1];

    /// <summary>Default None, as in the released video and audio scripts.</summary>
    public FeatureScaling Scaling { get; init; } = FeatureScaling.None;

    /// <summary>Share of the training clips of each class on which C is chosen, 0 … 1 exclusive. Default 0.2.</summary>
    public double HeldOut { get; init; } = 0.2;

    /// <summary>What C is chosen on. Default held-out training clips.</summary>
    public SvmSelection Selection { get; init; } = SvmSelection.HeldOut;

    /// <summary>Seed of the held-out part and of the solver. Default 0.</summary>
    public ulong Seed { get; init; }

    /// <summary>The solver's other options; its C and seed are set by the probe.</summary>
    public LinearSvmOptions Svm { get; init; } = new();
}
