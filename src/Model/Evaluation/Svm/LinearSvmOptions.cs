namespace Xkd.Model.Evaluation;

/// <summary>
/// Options of <see cref="LinearSvm"/>. The defaults are those of the reference protocol's solver (liblinear's dual, squared hinge), with a tighter tolerance:
/// the coefficients are then those of the optimum, not of the solver's last pass.
/// </summary>
public sealed record LinearSvmOptions
{
    /// <summary>Weight of the hinge term against the regulariser; positive. Default 1.</summary>
    public double C { get; init; } = 1;

    /// <summary>Largest allowed spread of the projected dual gradient over all samples, in units of the margin (which is 1). Default 1e-6; liblinear's default is 1e-4.</summary>
    public double Tolerance { get; init; } = 1e-6;

    /// <summary>Passes over the samples at most, per class. Default 10000. The reference protocol stops at 1000; the fit says when it stopped there.</summary>
    public int MaxIterations { get; init; } = 10_000;

    /// <summary>Value of the constant feature appended to every sample (liblinear's intercept scaling): the bias is regularised as its weight. 0 fits no bias. Default 1.</summary>
    public double InterceptScaling { get; init; } = 1;

    /// <summary>Seed of the visiting orders. Default 0. The optimum does not depend on it beyond the tolerance.</summary>
    public ulong Seed { get; init; }

    /// <summary>Classes solved at the same time; 0 means one per processor. The result does not depend on it. Default 0.</summary>
    public int Threads { get; init; }
}
