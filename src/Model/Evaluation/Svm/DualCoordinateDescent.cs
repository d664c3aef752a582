namespace Xkd.Model.Evaluation;

/// <summary>
/// One class against the rest: coordinate descent on the dual of the squared-hinge SVM, <c>min ½ αᵀ(Q + D)α − Σα, α ≥ 0</c> with
/// <c>Q = y y' x·x'</c> and <c>D = 1/(2C)</c> on the diagonal, keeping <c>w = Σ α y x</c>. Samples whose α is zero and whose gradient is larger than
/// anything seen in the last pass are shrunk away; they come back for a full pass before the solver believes it is done.
/// </summary>
internal sealed unsafe class DualCoordinateDescent
{
    private readonly SvmRows _rows;
    private readonly int[] _labels;
    private readonly int _positive;
    private readonly LinearSvmOptions _options;
    private readonly double[] _weights;
    private readonly double[] _alpha;
    private readonly int[] _order;
    private ulong _state;

    public DualCoordinateDescent(SvmRows rows, int[] labels, int positive, LinearSvmOptions options)
    {
        _rows = rows;
        _labels = labels;
        _positive = positive;
        _options = options;
        _weights = new double[_rows.Stride];
        _alpha = new double[_rows.Count];
        _order = new int[_rows.Count];
        for (var i = 0; i < _order.Length; i++)
        {
            _order[i] = i;
        }

        // A stream per class: the result then cannot depend on which thread takes which class.
        _state = unchecked((_options.Seed * 0xD1342543DE82EF95UL) + ((ulong)_positive * 0x9E3779B97F4A7C15UL));
    }

    /// <summary>Weights of the features, then of the bias feature, then zeros.</summary>
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
                Shuffle(active);
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
            var y = _labels[i] == _positive ? 1.0 : -1.0;
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
                SvmKernels.Axpy((updated - _alpha[i]) * y, x, w, _rows.Stride);
                _alpha[i] = updated;
            }
        }

        // Every sample was shrunk in this pass: nothing violates, which the full pass that follows will judge.
        return active == 0 ? (0, 0) : (largest, smallest);
    }

    private void Shuffle(int count)
    {
        for (var i = count - 1; i > 0; i--)
        {
            var j = (int)(Next() % (ulong)(i + 1));
            (_order[i], _order[j]) = (_order[j], _order[i]);
        }
    }

    private ulong Next() // SplitMix64
    {
        var z = _state = unchecked(_state + 0x9E3779B97F4A7C15UL);
        z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL);
        z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EBUL);
        return z ^ (z >> 31);
    }
}
