namespace Xkd.Model.Evaluation;

/// <summary>The rows that are fitted on, scaled, with their bias feature, padded to whole vectors: what coordinate descent visits one by one.</summary>
internal sealed class DualRows
{
    private DualRows(int[] places, int stride)
    {
        (Places, Stride) = (places, stride);
        Values = new float[(long)Count * stride];
        SquaredNorms = new double[Count];
    }

    /// <summary>Number of each row among all.</summary>
    public int[] Places { get; }

    public int Count => Places.Length;

    public int Stride { get; }

    public float[] Values { get; }

    /// <summary>|x|² of each row, bias feature included.</summary>
    public double[] SquaredNorms { get; }

    public static DualRows Of(RowBlocks rows, float[] values, bool[]? used, FeatureScaler scaler, double bias)
    {
        var dual = new DualRows([.. Enumerable.Range(0, rows.Count).Where(i => used is null || used[i])], RowBlocks.Padded(rows.Dim + 1));
        Parallel.For(0, dual.Count, row =>
        {
            ReadOnlySpan<float> from = values.AsSpan(dual.Places[row] * rows.Stride, rows.Dim);
            Span<float> to = dual.Values.AsSpan(row * dual.Stride, dual.Stride);
            double norm = bias * bias;
            for (int d = 0; d < from.Length; d++)
            {
                to[d] = (float)((from[d] - scaler.Mean[d]) * scaler.Scale[d]);
                norm += (double)to[d] * to[d];
            }

            to[rows.Dim] = (float)bias;
            dual.SquaredNorms[row] = norm;
        });
        return dual;
    }

    /// <summary>+1 for the rows of a class, −1 for the others.</summary>
    public sbyte[] Signs(SvmTargets targets, int positive) => [.. Places.Select(place => (sbyte)targets.Sign(place, positive))];
}

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

    /// <summary>Of samples, their signs (+1 where a sample is of the class, else −1), and the class, which chooses the visiting order's stream.</summary>
    public DualCoordinateDescent(DualRows rows, sbyte[] signs, int positive, LinearSvmOptions options)
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

    /// <summary>Weights of the scaled features, then of the bias feature, then zeros.</summary>
    public ReadOnlySpan<double> Weights => _weights;

    public (int Iterations, bool Converged) Solve(CancellationToken cancellation)
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
            var gradient = (y * SvmKernels.Dot(x, w, _rows.Stride)) - 1 + (_alpha[i] * diagonal);
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
                SvmKernels.Add((updated - _alpha[i]) * y, x, w, _rows.Stride);
                _alpha[i] = updated;
            }
        }

        // Every sample was shrunk in this pass: nothing violates, which the full pass that follows will judge.
        return active == 0 ? (0, 0) : (largest, smallest);
    }
}
