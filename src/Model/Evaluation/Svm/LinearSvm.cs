using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>
/// One-vs-rest linear support vector machine: for each class, with labels ±1,
/// <c>min ½(|w|² + b²) + C Σ max(0, 1 − y (w·x + b))²</c>. The bias is regularised, as in the reference protocol.
/// Solved in the dual by coordinate descent with shrinking (Hsieh et al., ICML 2008), one class per task.
/// </summary>
public static class LinearSvm
{
    /// <param name="vectors">Features, row-major [rows, dim].</param>
    /// <param name="dim">Length of a row.</param>
    /// <param name="labels">Class of each row, 0 … classes − 1.</param>
    /// <param name="classes">Number of classes; a class without rows is allowed and is never preferred over one that has some.</param>
    /// <param name="options">Null means the defaults.</param>
    /// <param name="cancellation">Checked between passes.</param>
    /// <exception cref="UsageException">Shapes, labels or options that cannot be; a feature that is not finite.</exception>
    public static LinearSvmModel Fit(
        ReadOnlySpan<float> vectors, int dim, ReadOnlySpan<int> labels, int classes, LinearSvmOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new LinearSvmOptions();
        return Fit(SvmRows.Copy(vectors, dim, options.InterceptScaling), labels.ToArray(), classes, options, cancellation);
    }

    /// <summary>Fits on rows prepared once: the way to try several values of C.</summary>
    internal static LinearSvmModel Fit(SvmRows rows, int[] labels, int classes, LinearSvmOptions options, CancellationToken cancellation) =>
        Fit(rows, SvmTargets.Single(labels, classes), options, cancellation);

    /// <inheritdoc cref="Fit(SvmRows, int[], int, LinearSvmOptions, CancellationToken)"/>
    internal static LinearSvmModel Fit(SvmRows rows, SvmTargets targets, LinearSvmOptions options, CancellationToken cancellation)
    {
        Validate(rows.Count, targets.Rows, targets.Classes, options);
        int classes = targets.Classes;
        var coefficients = new double[classes * rows.Dim];
        var intercepts = new double[classes];
        var iterations = new int[classes];
        var converged = new bool[classes];

        Parallel.For(
            0,
            classes,
            new ParallelOptions { MaxDegreeOfParallelism = options.Threads > 0 ? options.Threads : Environment.ProcessorCount, CancellationToken = cancellation },
            positive =>
            {
                var solver = new DualCoordinateDescent(rows, targets.Signs(positive), positive, options);
                (iterations[positive], converged[positive]) = solver.Solve(cancellation);
                solver.Weights[..rows.Dim].CopyTo(coefficients.AsSpan(positive * rows.Dim, rows.Dim));
                intercepts[positive] = rows.Bias * solver.Weights[rows.Dim];
            });

        return new LinearSvmModel(rows.Dim, coefficients, intercepts) { C = options.C, Iterations = iterations, Converged = Array.TrueForAll(converged, c => c) };
    }

    internal static void Validate(int rows, int labels, int classes, LinearSvmOptions options)
    {
        if (options.C is not (> 0 and < double.PositiveInfinity))
        {
            throw new UsageException($"svm: C = {options.C} must be a positive finite number.");
        }

        if (options.Tolerance is not > 0)
        {
            throw new UsageException($"svm: tolerance = {options.Tolerance} must be positive.");
        }

        if (options.MaxIterations < 1)
        {
            throw new UsageException($"svm: max iterations = {options.MaxIterations} must be at least 1.");
        }

        if (labels != rows)
        {
            throw new UsageException($"svm: {rows} feature rows but {labels} labels; give one label per row.");
        }

        if (rows == 0 || classes < 2)
        {
            throw new UsageException($"svm: {rows} rows and {classes} classes; at least one row and two classes are needed.");
        }
    }
}
