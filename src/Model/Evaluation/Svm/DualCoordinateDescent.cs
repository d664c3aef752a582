using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Xkd.Model.Evaluation;

/// <summary>
/// One class against the rest: coordinate descent on the dual of the squared-hinge SVM, <c>min ½ αᵀ(Q + D)α − Σα, α ≥ 0</c> with <c>Q = y y' x·x'</c> and <c>D
/// = 1/(2C)</c> on the diagonal, keeping <c>w = Σ α y x</c>. Samples whose α is zero and whose gradient is larger than anything seen in the last pass are
/// shrunk away; they come back for a full pass before the solver stops. Where rows are few for their features it is some 20 times as fast as Newton's method;
/// where they are many and C is large it may not end.
/// </summary>
internal sealed unsafe class DualCoordinateDescent
{
    private readonly DualRows _rows;
    private readonly sbyte[] _signs;
    private readonly LinearSvmOptions _options;
    private readonly double[] _weights;
    private readonly double[] _alpha;
    private readonly int[] _order;
    private SplitMix64 _random;

    private DualCoordinateDescent(DualRows rows, sbyte[] signs, int positive, LinearSvmOptions options)
    {
        _rows = rows;
        _signs = signs;
        _options = options;
        _weights = new double[rows.Stride];
        _alpha = new double[rows.Count];
        _order = [.. Enumerable.Range(0, rows.Count)];

        // A stream per class: the result then cannot depend on which thread takes which class.
        _random = new SplitMix64(unchecked((ulong)positive * 0xA0761D6478BD642FUL));
    }

    /// <summary>Fits every class, a thread each.</summary>
    /// <returns>Of each class: weights of the scaled features, then of the bias feature; passes; and whether it ended at the optimum.</returns>
    public static (double[] Weights, int Passes, bool Converged)[] Fit(DualRows rows, SvmTargets targets, LinearSvmOptions options, CancellationToken stop)
    {
        var found = new (double[] Weights, int Passes, bool Converged)[targets.Classes];
        Parallel.For(0, found.Length, new ParallelOptions { CancellationToken = stop }, positive =>
        {
            sbyte[] signs = [.. rows.Places.Select(place => (sbyte)targets.Sign(place, positive))];
            var solver = new DualCoordinateDescent(rows, signs, positive, options);
            var (passes, converged) = solver.Solve(stop);
            found[positive] = (solver._weights[..(rows.Dim + 1)], passes, converged);
        });
        return found;
    }

    private (int Iterations, bool Converged) Solve(CancellationToken cancellation)
    {
        var active = _rows.Count;
        var shrinkAbove = double.PositiveInfinity;
        fixed (float* values = _rows.Values)
        fixed (double* w = _weights)
        {
            for (var iteration = 1; iteration <= _options.MaxIterations; iteration++)
            {
                cancellation.ThrowIfCancellationRequested();
                _random.Shuffle(_order.AsSpan(0, active));
                var (largest, smallest) = Pass(values, w, ref active, shrinkAbove);
                if (largest - smallest > _options.Tolerance)
                {
                    shrinkAbove = largest > 0 ? largest : double.PositiveInfinity;
                }
                else if (active == _rows.Count)
                {
                    return (iteration, true);
                }
                else
                {
                    active = _rows.Count;
                    shrinkAbove = double.PositiveInfinity;
                }
            }
        }

        return (_options.MaxIterations, false);
    }

    private (double Largest, double Smallest) Pass(float* values, double* w, ref int active, double shrinkAbove)
    {
        var diagonal = 0.5 / _options.C;
        double largest = double.NegativeInfinity, smallest = double.PositiveInfinity;
        for (var s = 0; s < active; s++)
        {
            var i = _order[s];
            var x = values + ((nint)i * _rows.Stride);
            double y = _signs[i];
            var gradient = (y * Dot(x, w, _rows.Stride)) - 1 + (_alpha[i] * diagonal);
            var projected = gradient;
            if (_alpha[i] == 0)
            {
                if (gradient > shrinkAbove)
                {
                    active--;
                    (_order[s], _order[active]) = (_order[active], _order[s]);
                    s--;
                    continue;
                }

                projected = Math.Min(gradient, 0);
            }

            largest = Math.Max(largest, projected);
            smallest = Math.Min(smallest, projected);
            if (projected != 0)
            {
                var updated = Math.Max(_alpha[i] - (gradient / (_rows.SquaredNorms[i] + diagonal)), 0);
                Add((updated - _alpha[i]) * y, x, w, _rows.Stride);
                _alpha[i] = updated;
            }
        }

        // Every sample was shrunk in this pass: nothing violates, which the full pass that follows will judge.
        return active == 0 ? (0, 0) : (largest, smallest);
    }

    private static double Dot(float* x, double* v, int length)
    {
        Vector256<double> a = default, b = default, c = default, d = default; // four chains hide the latency of the multiply-add
        for (var i = 0; i < length; i += DualRows.Block)
        {
            a = Vector256.FusedMultiplyAdd(Widen(x + i), Vector256.Load(v + i), a);
            b = Vector256.FusedMultiplyAdd(Widen(x + i + 4), Vector256.Load(v + i + 4), b);
            c = Vector256.FusedMultiplyAdd(Widen(x + i + 8), Vector256.Load(v + i + 8), c);
            d = Vector256.FusedMultiplyAdd(Widen(x + i + 12), Vector256.Load(v + i + 12), d);
        }

        return Vector256.Sum(a + b + (c + d));
    }

    // sum += scale · x.
    private static void Add(double scale, float* x, double* sum, int length)
    {
        var s = Vector256.Create(scale);
        for (var i = 0; i < length; i += 4)
        {
            Vector256.FusedMultiplyAdd(Widen(x + i), s, Vector256.Load(sum + i)).Store(sum + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<double> Widen(float* x)
    {
        // One instruction where it exists; Vector256.Widen would need the upper half extracted first.
        if (Avx.IsSupported)
        {
            return Avx.ConvertToVector256Double(Vector128.Load(x));
        }

        var (lower, upper) = Vector128.Widen(Vector128.Load(x));
        return Vector256.Create(lower, upper);
    }
}

/// <summary>The rows that are fitted on, scaled, with their bias feature, padded to whole vectors: what coordinate descent visits one by one.</summary>
internal sealed class DualRows
{
    /// <summary>Floats handled per turn of the loops.</summary>
    public const int Block = 16;

    public DualRows(RowBlocks rows, float[] values, SvmTargets targets, FeatureScaler scaler, double bias)
    {
        Dim = rows.Dim;
        Stride = (Dim + Block) / Block * Block;
        Places = [.. Enumerable.Range(0, rows.Count).Where(i => targets.Used is null || targets.Used[i])];
        Values = new float[(long)Count * Stride];
        SquaredNorms = new double[Count];
        Parallel.For(0, Count, row =>
        {
            ReadOnlySpan<float> from = values.AsSpan(Places[row] * Dim, Dim);
            var to = Values.AsSpan(row * Stride, Stride);
            var norm = bias * bias;
            for (var d = 0; d < from.Length; d++)
            {
                to[d] = (float)((from[d] - scaler.Mean[d]) * scaler.Scale[d]);
                norm += (double)to[d] * to[d];
            }

            to[Dim] = (float)bias;
            SquaredNorms[row] = norm;
        });
    }

    /// <summary>Number of each row among all.</summary>
    public int[] Places { get; }

    public int Count => Places.Length;

    public int Dim { get; }

    /// <summary>Floats from one row to the next.</summary>
    public int Stride { get; }

    public float[] Values { get; }

    /// <summary>|x|² of each row, bias feature included.</summary>
    public double[] SquaredNorms { get; }
}
