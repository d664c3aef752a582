using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>
/// One-vs-rest linear support vector machine: for each class, with labels ±1,
/// <c>min ½(|w|² + b²) + C Σ max(0, 1 − y (w·x + b))²</c>. The bias is regularised, as in the reference protocol.
/// Solved in the primal by Newton's method; each pass over the rows serves all classes, so that rows may lie in memory or in a file.
/// </summary>
public static class LinearSvm
{
    // Of what the solvers of the classes that are fitted together hold.
    private const long StateBytes = 256L << 20;
    private const int VectorsPerClass = 20;

    /// <param name="vectors">Features, row-major [rows, dim].</param>
    /// <param name="dim">Length of a row.</param>
    /// <param name="labels">Class of each row, 0 … classes − 1.</param>
    /// <param name="classes">Number of classes; a class without rows is allowed and is never preferred over one that has some.</param>
    /// <param name="options">Null means the defaults.</param>
    /// <param name="cancellation">Checked between passes.</param>
    /// <exception cref="UsageException">Shapes, labels or options that cannot be; a feature that is not finite.</exception>
    public static LinearSvmModel Fit(
        ReadOnlySpan<float> vectors, int dim, ReadOnlySpan<int> labels, int classes, LinearSvmOptions? options = null, CancellationToken cancellation = default) =>
        Fit(SvmRows.Copy(vectors, dim), SvmTargets.Single(labels.ToArray(), classes), FeatureScaler.None(dim), options ?? new LinearSvmOptions(), cancellation);

    /// <summary>Fits on rows prepared once: the way to try several values of C. The model takes rows as they are stored, before scaling.</summary>
    internal static LinearSvmModel Fit(SvmRows rows, SvmTargets targets, FeatureScaler scaler, LinearSvmOptions options, CancellationToken cancellation)
    {
        Validate(rows.Count, targets, options);
        cancellation.ThrowIfCancellationRequested();
        SvmPreconditioner preconditioner = new(rows, targets, scaler, options, cancellation);
        SvmPass pass = new(rows, targets, scaler, options);
        int classes = targets.Classes, turn = (int)Math.Clamp(StateBytes / ((rows.Count / 8) + (VectorsPerClass * sizeof(double) * (long)rows.Stride)), 1, classes);
        double[] coefficients = new double[classes * rows.Dim], intercepts = new double[classes];
        int[] passes = new int[classes];
        bool converged = true;
        for (int first = 0; first < classes; first += turn)
        {
            NewtonSolver[] solvers = [.. Enumerable.Range(first, Math.Min(turn, classes - first)).Select(c => new NewtonSolver(c, rows.Dim + 1, rows.Count, preconditioner, options))];
            for (NewtonSolver[] asking = solvers; asking.Length > 0; asking = [.. asking.Where(s => !s.Done)])
            {
                cancellation.ThrowIfCancellationRequested();
                pass.Run(asking, cancellation);
            }

            foreach (NewtonSolver solver in solvers)
            {
                passes[solver.Positive] = solver.Passes;
                converged &= solver.Converged;
                Span<double> weights = coefficients.AsSpan(solver.Positive * rows.Dim, rows.Dim);
                intercepts[solver.Positive] = options.InterceptScaling * solver.Weights[rows.Dim];
                for (int d = 0; d < rows.Dim; d++)
                {
                    weights[d] = solver.Weights[d] * scaler.Scale[d];
                    intercepts[solver.Positive] -= scaler.Mean[d] * weights[d];
                }
            }
        }

        return new LinearSvmModel(rows.Dim, coefficients, intercepts) { C = options.C, Iterations = passes, Converged = converged };
    }

    private static void Validate(int rows, SvmTargets targets, LinearSvmOptions options)
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

        if (!double.IsFinite(options.InterceptScaling))
        {
            throw new UsageException($"svm: intercept scaling = {options.InterceptScaling} must be finite.");
        }

        if (targets.Rows != rows)
        {
            throw new UsageException($"svm: {rows} feature rows but {targets.Rows} labels; give one label per row.");
        }

        if (targets.UsedRows == 0 || targets.Classes < 2)
        {
            throw new UsageException($"svm: {targets.UsedRows} rows and {targets.Classes} classes; at least one row and two classes are needed.");
        }
    }
}
