using System.Runtime.InteropServices;
using Xkd.Model.Torch;
using Xkd.Storage;
using static TorchSharp.torch;

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
    /// at least 1. Default 1e-6.
    /// </summary>
    public double Tolerance { get; init; } = 1e-6;

    /// <summary>Passes over the rows at most, per class. Default 10000; some tens are enough for any C. The fit says when it stopped there.</summary>
    public int MaxIterations { get; init; } = 10_000;

    /// <summary>
    /// Value of the constant feature appended to every sample (liblinear's intercept scaling): the bias is regularised as its weight. 0 fits no bias. Default
    /// 1.
    /// </summary>
    public double InterceptScaling { get; init; } = 1;
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
        for (var i = 0; i < decisions.Length; i++)
        {
            if (i % Classes == 0)
            {
                for (var d = 0; d < Dim; d++)
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
        var targets = SvmTargets.Single(labels.ToArray(), classes);
        return Fit(RowBlocks.Copy(vectors, dim), targets, FeatureScaler.None(dim), options ?? new LinearSvmOptions(), cancellation);
    }

    /// <summary>Fits on rows in memory or in a file.</summary>
    internal static LinearSvmModel Fit(RowBlocks rows, SvmTargets targets, FeatureScaler scaler, LinearSvmOptions options, CancellationToken cancellation)
    {
        using var problem = new SvmProblem(rows, targets, scaler, options.InterceptScaling);
        return problem.Fit(options, cancellation);
    }
}

/// <summary>Rows prepared once, to be fitted on with several values of C.</summary>
internal sealed class SvmProblem(RowBlocks rows, SvmTargets targets, FeatureScaler scaler, double bias) : IDisposable
{
    // Bytes that the classes that are fitted side by side hold.
    private const long StateBytes = 256L << 20;
    private const int VectorsPerClass = 12;

    // Rows per feature up to which coordinate descent is the faster, and its passes at most: those it does not bring to the optimum need some tens of Newton's.
    private const int DualRowsPerFeature = 8, DualPasses = 300;
    private readonly SvmRows _rows = new(rows, scaler, bias);
    private DualRows? _dual;
    private SvmPreconditioner? _preconditioner;

    /// <summary>Fits every class against the rest.</summary>
    /// <exception cref="UsageException">Targets or options that cannot be.</exception>
    public LinearSvmModel Fit(LinearSvmOptions options, CancellationToken cancellation)
    {
        Validate(rows.Count, targets, options);
        cancellation.ThrowIfCancellationRequested();
        using var scope = NewDisposeScope();
        var weights = zeros([_rows.Length, targets.Classes], ScalarType.Float64);
        var found = new (int Passes, bool Converged)[targets.Classes];
        if (rows.Values is { } values && targets.UsedRows <= DualRowsPerFeature * (long)_rows.Length)
        {
            _dual ??= new DualRows(rows, values, targets, scaler, bias);
            var limited = options with { MaxIterations = Math.Min(options.MaxIterations, DualPasses) };
            foreach (var (positive, (solution, passes, converged)) in DualCoordinateDescent.Fit(_dual, targets, limited, cancellation).Index())
            {
                weights.select(1, positive).copy_(tensor(solution));
                found[positive] = (passes, converged);
            }
        }

        int[] rest = [.. Enumerable.Range(0, targets.Classes).Where(k => !found[k].Converged && found[k].Passes < options.MaxIterations)];
        var together = (int)Math.Clamp(StateBytes / (rows.Count + (VectorsPerClass * sizeof(double) * (long)_rows.Length)), 1, targets.Classes);
        foreach (var classes in rest.Chunk(together))
        {
            _preconditioner ??= new SvmPreconditioner(_rows, targets, cancellation);
            var index = tensor(Array.ConvertAll(classes, static k => (long)k));
            var begun = found[classes[0]].Passes;
            var newton = new SvmNewton(_rows, targets, _preconditioner, options with { MaxIterations = options.MaxIterations - begun }, cancellation);
            var solution = weights.index_select(1, index);
            foreach (var (k, (passes, converged)) in classes.Zip(newton.Fit(classes, solution)))
            {
                found[k] = (begun + passes, converged);
            }

            weights.index_copy_(1, index, solution);
        }

        // In terms of rows as they are stored.
        var coefficients = weights.narrow(0, 0, rows.Dim) * tensor(scaler.Scale).unsqueeze(1); // [dim, classes]
        var intercepts = weights[rows.Dim].Mul(bias) - tensor(scaler.Mean).matmul(coefficients); // [classes]
        return new LinearSvmModel(rows.Dim, coefficients.t().contiguous().data<double>().ToArray(), intercepts.data<double>().ToArray())
        {
            C = options.C, Iterations = [.. found.Select(f => f.Passes)], Converged = Array.TrueForAll(found, f => f.Converged),
        };
    }

    public void Dispose()
    {
        _preconditioner?.Dispose();
        _rows.Dispose();
    }

    private static void Validate(int rows, SvmTargets targets, LinearSvmOptions options)
    {
        var problem =
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
        var wrong = Array.FindIndex(labels, label => (uint)label >= (uint)classes);
        return wrong < 0
            ? new SvmTargets(labels.Length, classes, labels, [], 1)
            : throw new UsageException($"svm: label {labels[wrong]} is outside 0 … {classes - 1}.");
    }

    /// <summary>Any number of classes a clip, every row of a clip the clip's.</summary>
    public static SvmTargets Multi(IReadOnlyList<int[]> labels, int windows, int classes) => new(labels.Count * windows, classes, null, labels, windows);

    /// <summary>These targets, of which only some rows are fitted on.</summary>
    public SvmTargets On(bool[] used) => new(Rows, Classes, _labels, _sets, _windows) { Used = used };

    /// <summary>1 for each row that is fitted on, else 0: float64 [count, 1].</summary>
    public Tensor Weights(int first, int count)
    {
        var weights = ones([count, 1], ScalarType.Float64);
        var values = MemoryMarshal.Cast<byte, double>(weights.bytes);
        for (var row = 0; row < count && Used is not null; row++)
        {
            values[row] = Used[first + row] ? 1 : 0;
        }

        return weights;
    }

    /// <summary>+1 for a row of the class, −1 for another.</summary>
    public int Sign(int row, int positive) => (_labels is null ? Array.IndexOf(_sets[row / _windows], positive) >= 0 : _labels[row] == positive) ? 1 : -1;

    /// <summary>+1 for a row of the class, −1 for another, 0 for one that is not fitted on: float64 [count, classes].</summary>
    public Tensor Signs(int first, int count, int[] classes)
    {
        var places = new int[Classes];
        Array.Fill(places, -1);
        foreach (var (place, positive) in classes.Index())
        {
            places[positive] = place;
        }

        var signs = Weights(first, count).neg().expand(count, classes.Length).contiguous();
        var values = MemoryMarshal.Cast<byte, double>(signs.bytes);
        for (var row = 0; row < count; row++)
        {
            var labels = _labels is null ? _sets[(first + row) / _windows] : new ReadOnlySpan<int>(in _labels[first + row]);
            foreach (var label in labels)
            {
                if (places[label] >= 0 && (Used is null || Used[first + row]))
                {
                    values[(row * classes.Length) + places[label]] = 1;
                }
            }
        }

        return signs;
    }
}
