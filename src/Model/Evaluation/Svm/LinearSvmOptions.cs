namespace Xkd.Model.Evaluation;

/// <summary>Options of <see cref="LinearSvm"/>. C, the loss and the regularised bias are those of the reference protocol's solver (liblinear, squared hinge).</summary>
public sealed record LinearSvmOptions
{
    /// <summary>Weight of the hinge term against the regulariser; positive. Default 1.</summary>
    public double C { get; init; } = 1;

    /// <summary>
    /// Largest distance of a class's weights from the optimum, as a share of their norm. Default 1e-6. The gradient's norm bounds the distance, because the objective's curvature is at least 1.
    /// </summary>
    public double Tolerance { get; init; } = 1e-6;

    /// <summary>Passes over the rows at most, per class. Default 10000; some tens are enough for any C. The fit says when it stopped there.</summary>
    public int MaxIterations { get; init; } = 10_000;

    /// <summary>Value of the constant feature appended to every sample (liblinear's intercept scaling): the bias is regularised as its weight. 0 fits no bias. Default 1.</summary>
    public double InterceptScaling { get; init; } = 1;

    /// <summary>Threads; 0 means one per processor. The result does not depend on it. Default 0.</summary>
    public int Threads { get; init; }
}
