namespace Xkd.Model.Evaluation;

/// <summary>Options of <see cref="LinearSvm"/>. C, the loss and the regularised bias are those of the reference protocol's solver (liblinear, squared hinge).</summary>
public sealed record LinearSvmOptions
{
    /// <summary>Weight of the hinge term against the regulariser; positive. Default 1.</summary>
    public double C { get; init; } = 1;

    /// <summary>
    /// Largest distance of a class's weights from the optimum, as a share of their norm: the gradient's norm bounds it, because the objective's curvature is at least 1. In coordinate descent
    /// the largest spread of the projected dual gradient, in units of the margin. Default 1e-6; liblinear's is 1e-4.
    /// </summary>
    public double Tolerance { get; init; } = 1e-6;

    /// <summary>Passes over the rows at most, per class. Default 10000; some tens are enough for any C. The fit says when it stopped there.</summary>
    public int MaxIterations { get; init; } = 10_000;

    /// <summary>Value of the constant feature appended to every sample (liblinear's intercept scaling): the bias is regularised as its weight. 0 fits no bias. Default 1.</summary>
    public double InterceptScaling { get; init; } = 1;

    /// <summary>Threads; 0 means one per processor. The result does not depend on it. Default 0.</summary>
    public int Threads { get; init; }
}
