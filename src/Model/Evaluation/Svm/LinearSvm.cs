using Xkd.Storage;

namespace Xkd.Model.Evaluation;

/// <summary>
/// Options of <see cref="LinearSvm"/>. C, the loss and the regularised bias are those of the reference protocol's solver (liblinear, squared hinge).
/// </summary>
public sealed record LinearSvmOptions
{
    /// <summary>Weight of the hinge term against the regulariser; positive. Default 1.</summary>
    public double C { get; init; } = 1;

    /// <summary>
    /// Largest distance of a class's weights from the optimum, as a share of their norm: the gradient's norm bounds it, because the objective's curvature is
    /// at least 1. In coordinate descent the largest spread of the projected dual gradient, in units of the margin. Default 1e-6; liblinear's is 1e-4.
    /// </summary>
    public double Tolerance { get; init; } = 1e-6;

    /// <summary>Passes over the rows at most, per class. Default 10000; some tens are enough for any C. The fit says when it stopped there.</summary>
    public int MaxIterations { get; init; } = 10_000;

    /// <summary>
    /// Value of the constant feature appended to every sample (liblinear's intercept scaling): the bias is regularised as its weight. 0 fits no bias. Default
    /// 1.
    /// </summary>
    public double InterceptScaling { get; init; } = 1;

    /// <summary>Threads; 0 means one per processor. The result does not depend on it. Default 0.</summary>
    public int Threads { get; init; }

    internal ParallelOptions Parallel => new() { MaxDegreeOfParallelism = Threads > 0 ? Threads : Environment.ProcessorCount };
}

/// <summary>A fitted one-vs-rest linear SVM. It takes rows as they are stored, before scaling.</summary>
/// <param name="dim">Features per row.</param>
/// <param name="coefficients">Row-major [classes, dim].</param>
/// <param name="intercepts">[classes].</param>
public sealed class LinearSvmModel(int dim, double[] coefficients, double[] intercepts)
{
    public int Dim { get; } = dim;

    public int Classes => Intercepts.Length;

    public double[] Coefficients { get; } = coefficients;

    public double[] Intercepts { get; } = intercepts;

    public double C { get; init; }

    /// <summary>Passes over the samples taken by each class's solver.</summary>
    public IReadOnlyList<int> Iterations { get; init; } = [];

    /// <summary>False when a class stopped at the iteration limit instead of the tolerance.</summary>
    public bool Converged { get; init; } = true;

    /// <summary>Decision values w·x + b of each row and class, row-major [rows, classes].</summary>
    /// <exception cref="UsageException">The features are not whole rows of <see cref="Dim"/>.</exception>
    public double[] Decide(ReadOnlySpan<float> vectors)
    {
        if (vectors.Length % Dim != 0)
        {
            throw new UsageException($"svm: {vectors.Length} feature values are not whole rows of the {Dim} features the model was fitted on.");
        }

        double[] decisions = new double[vectors.Length / Dim * Classes], row = new double[Dim];
        for (int i = 0; i < decisions.Length; i++)
        {
            if (i % Classes == 0)
            {
                for (int d = 0; d < Dim; d++)
                {
                    row[d] = vectors[(i / Classes * Dim) + d];
                }
            }

            decisions[i] = VectorMath.Dot<double>(row, Coefficients.AsSpan(i % Classes * Dim, Dim)) + Intercepts[i % Classes];
        }

        return decisions;
    }
}

/// <summary>
/// One-vs-rest linear support vector machine: for each class, with labels ±1, <c>min ½(|w|² + b²) + C Σ max(0, 1 − y (w·x + b))²</c>. The bias is regularised,
/// as in the reference protocol. Solved in the primal by Newton's method; each pass over the rows serves all classes, so that rows may lie in memory or in a
/// file. Where rows are few for their features, coordinate descent in the dual comes first, and mostly suffices.
/// </summary>
public static class LinearSvm
{
    // Bytes that the solvers of the classes that are fitted together hold, and bytes of rows that solvers hold themselves in one pass.
    private const long StateBytes = 256L << 20, HeldBytes = 128L << 20;
    private const int VectorsPerClass = 20;

    // Rows per feature up to which coordinate descent is the faster, and its passes at most: those it does not bring to the optimum need some tens of Newton's.
    private const int DualRowsPerFeature = 8, DualPasses = 300;

    /// <param name="vectors">Features, row-major [rows, dim].</param>
    /// <param name="dim">Length of a row.</param>
    /// <param name="labels">Class of each row, 0 … classes − 1.</param>
    /// <param name="classes">Number of classes; a class without rows is allowed and is never preferred over one that has some.</param>
    /// <param name="options">Null means the defaults.</param>
    /// <param name="cancellation">Checked between passes.</param>
    /// <exception cref="UsageException">Shapes, labels or options that cannot be; a feature that is not finite.</exception>
    public static LinearSvmModel Fit(
        ReadOnlySpan<float> vectors, int dim, ReadOnlySpan<int> labels, int classes, LinearSvmOptions? options = null,
        CancellationToken cancellation = default)
    {
        SvmTargets targets = SvmTargets.Single(labels.ToArray(), classes);
        return Fit(RowBlocks.Copy(vectors, dim), targets, FeatureScaler.None(dim), options ?? new LinearSvmOptions(), cancellation);
    }

    /// <summary>Fits on rows prepared once: the way to try several values of C.</summary>
    internal static LinearSvmModel Fit(RowBlocks rows, SvmTargets targets, FeatureScaler scaler, LinearSvmOptions options, CancellationToken cancellation)
    {
        Validate(rows.Count, targets, options);
        cancellation.ThrowIfCancellationRequested();
        int classes = targets.Classes, length = rows.Dim + 1;
        (double[] Weights, int Passes, bool Converged)[] found = Dual(rows, targets, scaler, options, cancellation);
        int[] rest = [.. Enumerable.Range(0, classes).Where(c => !found[c].Converged && found[c].Passes < options.MaxIterations)];
        if (rest.Length > 0)
        {
            var preconditioner = new SvmPreconditioner(rows, targets, scaler, options, cancellation);
            var pass = new SvmPass(rows, targets, scaler, options);
            int turn = (int)Math.Clamp(StateBytes / ((rows.Count / 8) + (VectorsPerClass * sizeof(double) * (long)rows.Stride)), 1, classes);
            foreach (int[] together in rest.Chunk(turn))
            {
                NewtonSolver[] solvers = [.. together.Select(c => new NewtonSolver(
                    c, length, rows.Count, preconditioner, options with { MaxIterations = options.MaxIterations - found[c].Passes }, found[c].Weights))];
                while (Array.Exists(solvers, s => !s.Done))
                {
                    cancellation.ThrowIfCancellationRequested();
                    pass.Run(Served(solvers, rows.Stride), cancellation);
                }

                Array.ForEach(solvers, s => found[s.Positive] = (s.Weights, found[s.Positive].Passes + s.Passes, s.Converged));
            }
        }

        double[] coefficients = new double[classes * rows.Dim], intercepts = new double[classes];
        foreach ((int c, (double[] weights, _, _)) in found.Index())
        {
            intercepts[c] = options.InterceptScaling * weights[rows.Dim];
            for (int d = 0; d < rows.Dim; d++)
            {
                coefficients[(c * rows.Dim) + d] = weights[d] * scaler.Scale[d];
                intercepts[c] -= scaler.Mean[d] * coefficients[(c * rows.Dim) + d];
            }
        }

        return new LinearSvmModel(rows.Dim, coefficients, intercepts)
        {
            C = options.C, Iterations = [.. found.Select(f => f.Passes)], Converged = Array.TrueForAll(found, f => f.Converged),
        };
    }

    private static (double[] Weights, int Passes, bool Converged)[] Dual(
        RowBlocks rows, SvmTargets targets, FeatureScaler scaler, LinearSvmOptions options, CancellationToken cancellation)
    {
        (double[] Weights, int Passes, bool Converged)[] found = [.. Enumerable.Repeat((Array.Empty<double>(), 0, false), targets.Classes)];
        if (rows.Values is not { } values || targets.UsedRows > DualRowsPerFeature * (long)(rows.Dim + 1))
        {
            return found;
        }

        DualRows held = DualRows.Of(rows, values, targets.Used, scaler, options.InterceptScaling);
        LinearSvmOptions limited = options with { MaxIterations = Math.Min(options.MaxIterations, DualPasses) };
        ParallelOptions parallel = options.Parallel;
        parallel.CancellationToken = cancellation;
        Parallel.For(0, targets.Classes, parallel, positive =>
        {
            var solver = new DualCoordinateDescent(held, held.Signs(targets, positive), positive, limited);
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
        string? problem =
            options.C is not (> 0 and < double.PositiveInfinity) ? $"C = {options.C} must be a positive finite number."
            : options.Tolerance is not > 0 ? $"tolerance = {options.Tolerance} must be positive."
            : options.MaxIterations < 1 ? $"max iterations = {options.MaxIterations} must be at least 1."
            : !double.IsFinite(options.InterceptScaling) ? $"intercept scaling = {options.InterceptScaling} must be finite."
            : targets.Rows != rows ? $"{rows} feature rows but {targets.Rows} labels; give one label per row."
            : targets.UsedRows == 0 || targets.Classes < 2
                ? $"{targets.UsedRows} rows and {targets.Classes} classes; at least one row and two classes are needed."
            : null;
        if (problem is not null)
        {
            throw new UsageException("svm: " + problem);
        }
    }
}

/// <summary>Which rows are of which class, one class a row or any number of them, and which rows are fitted on.</summary>
internal sealed class SvmTargets
{
    private readonly int[]? _labels;
    private readonly IReadOnlyList<int[]> _sets;
    private readonly int _windows;

    private SvmTargets(int rows, int classes, int[]? labels, IReadOnlyList<int[]> sets, int windows) =>
        (Rows, Classes, _labels, _sets, _windows) = (rows, classes, labels, sets, windows);

    public int Rows { get; }

    public int Classes { get; }

    /// <summary>Rows fitted on; null: all.</summary>
    public bool[]? Used { get; private init; }

    public int UsedRows => Used?.Count(u => u) ?? Rows;

    /// <summary>One class a row.</summary>
    /// <exception cref="UsageException">A label outside 0 … classes − 1.</exception>
    public static SvmTargets Single(int[] labels, int classes)
    {
        int wrong = Array.FindIndex(labels, label => (uint)label >= (uint)classes);
        return wrong < 0
            ? new SvmTargets(labels.Length, classes, labels, [], 1)
            : throw new UsageException($"svm: label {labels[wrong]} is outside 0 … {classes - 1}.");
    }

    /// <summary>Any number of classes a clip, every row of a clip the clip's.</summary>
    public static SvmTargets Multi(IReadOnlyList<int[]> labels, int windows, int classes) => new(labels.Count * windows, classes, null, labels, windows);

    /// <summary>These targets, of which only some rows are fitted on.</summary>
    public SvmTargets On(bool[] used) => new(Rows, Classes, _labels, _sets, _windows) { Used = used };

    /// <summary>+1 for a row of the class, −1 for another, 0 for one that is not fitted on.</summary>
    public int Sign(int row, int positive) =>
        Used is not null && !Used[row] ? 0 : (_labels is null ? Array.IndexOf(_sets[row / _windows], positive) >= 0 : _labels[row] == positive) ? 1 : -1;
}
