using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>
/// One-vs-rest linear support vector machine: for each class, with labels ±1,
/// <c>min ½(|w|² + b²) + C Σ max(0, 1 − y (w·x + b))²</c>. The bias is regularised, as in the reference protocol.
/// Solved in the primal by Newton's method; each pass over the rows serves all classes, so that rows may lie in memory or in a file. Where rows are few for their features, coordinate
/// descent in the dual comes first, and mostly suffices.
/// </summary>
public static class LinearSvm
{
    // Of what the solvers of the classes that are fitted together hold.
    private const long StateBytes = 256L << 20;
    private const int VectorsPerClass = 20;

    // Rows per feature up to which coordinate descent is the faster, and its passes at most: those it does not bring to the optimum need some tens of Newton's.
    private const int DualRowsPerFeature = 8, DualPasses = 300;

    // Of rows that solvers hold themselves in one pass.
    private const long HeldBytes = 128L << 20;

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
        int classes = targets.Classes, length = rows.Dim + 1;
        (double[] Weights, int Passes, bool Converged)[] dual = Dual(rows, targets, scaler, options, cancellation);
        int[] rest = [.. Enumerable.Range(0, classes).Where(c => !dual[c].Converged && dual[c].Passes < options.MaxIterations)];
        if (rest.Length > 0)
        {
            SvmPreconditioner preconditioner = new(rows, targets, scaler, options, cancellation);
            SvmPass pass = new(rows, targets, scaler, options);
            int turn = (int)Math.Clamp(StateBytes / ((rows.Count / 8) + (VectorsPerClass * sizeof(double) * (long)rows.Stride)), 1, classes);
            foreach (int[] together in rest.Chunk(turn))
            {
                NewtonSolver[] solvers = [.. together.Select(c => new NewtonSolver(
                    c, length, rows.Count, preconditioner, options with { MaxIterations = options.MaxIterations - dual[c].Passes }, dual[c].Weights))];
                while (Array.Exists(solvers, s => !s.Done))
                {
                    cancellation.ThrowIfCancellationRequested();
                    pass.Run(Served(solvers, rows.Stride), cancellation);
                }

                Array.ForEach(solvers, s => dual[s.Positive] = (s.Weights, dual[s.Positive].Passes + s.Passes, s.Converged));
            }
        }

        double[] coefficients = new double[classes * rows.Dim], intercepts = new double[classes];
        for (int c = 0; c < classes; c++)
        {
            double[] weights = dual[c].Weights;
            intercepts[c] = options.InterceptScaling * weights[rows.Dim];
            for (int d = 0; d < rows.Dim; d++)
            {
                coefficients[(c * rows.Dim) + d] = weights[d] * scaler.Scale[d];
                intercepts[c] -= scaler.Mean[d] * coefficients[(c * rows.Dim) + d];
            }
        }

        return new LinearSvmModel(rows.Dim, coefficients, intercepts) { C = options.C, Iterations = [.. dual.Select(d => d.Passes)], Converged = Array.TrueForAll(dual, d => d.Converged) };
    }

    private static (double[] Weights, int Passes, bool Converged)[] Dual(SvmRows rows, SvmTargets targets, FeatureScaler scaler, LinearSvmOptions options, CancellationToken cancellation)
    {
        (double[] Weights, int Passes, bool Converged)[] found = new (double[], int, bool)[targets.Classes];
        if (rows.Values is not { } values || targets.UsedRows > DualRowsPerFeature * (long)(rows.Dim + 1))
        {
            Array.Fill(found, ([], 0, false));
            return found;
        }

        DualRows held = DualRows.Of(rows, values, targets.Used, scaler, options.InterceptScaling);
        LinearSvmOptions limited = options with { MaxIterations = Math.Min(options.MaxIterations, DualPasses) };
        Parallel.For(
            0,
            targets.Classes,
            new ParallelOptions { MaxDegreeOfParallelism = options.Threads > 0 ? options.Threads : Environment.ProcessorCount, CancellationToken = cancellation },
            positive =>
            {
                DualCoordinateDescent solver = new(held, held.Signs(targets, positive), positive, limited);
                (int passes, bool converged) = solver.Solve(cancellation);
                found[positive] = (solver.Weights[..(rows.Dim + 1)].ToArray(), passes, converged);
            });
        return found;
    }

    /// <summary>Who is served by the next pass: all, but of those that ask for rows only as many as fit.</summary>
    private static List<NewtonSolver> Served(NewtonSolver[] solvers, int stride)
    {
        List<NewtonSolver> served = [];
        long held = 0;
        foreach (NewtonSolver solver in solvers.Where(s => !s.Done))
        {
            long bytes = solver.Ask == SvmAsk.Rows ? solver.ActiveRows * stride * sizeof(double) : 0;
            if (held == 0 || held + bytes <= HeldBytes)
            {
                served.Add(solver);
                held += bytes;
            }
        }

        return served;
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
