namespace Xkd.Model.Evaluation;

/// <summary>
/// One class against the rest: coordinate descent on the dual of the squared-hinge SVM, <c>min ½ αᵀ(Q + D)α − Σα, α ≥ 0</c> with
/// <c>Q = y y' x·x'</c> and <c>D = 1/(2C)</c> on the diagonal, keeping <c>w = Σ α y x</c>. Samples whose α is zero and whose gradient is larger than
/// anything seen in the last pass are shrunk away; they come back for a full pass before the solver believes it is done.
/// </summary>
internal sealed unsafe class DualCoordinateDescent
{
    private readonly SvmRows rows;
    private readonly int[] labels;
    private readonly int positive;
    private readonly LinearSvmOptions options;
    private readonly double[] weights;
    private readonly double[] alpha;
    private readonly int[] order;
    private ulong state;

    public DualCoordinateDescent(SvmRows rows, int[] labels, int positive, LinearSvmOptions options)
    {
        this.rows = rows;
        this.labels = labels;
        this.positive = positive;
        this.options = options;
        weights = new double[rows.Stride];
        alpha = new double[rows.Count];
        order = new int[rows.Count];
        for (var i = 0; i < order.Length; i++)
        {
            order[i] = i;
        }

        // A stream per class: the result then cannot depend on which thread takes which class.
        state = unchecked((options.Seed * 0xD1342543DE82EF95UL) + ((ulong)positive * 0x9E3779B97F4A7C15UL));
    }

    /// <summary>Weights of the features, then of the bias feature, then zeros.</summary>
    public ReadOnlySpan<double> Weights => weights;

    public (int Iterations, bool Converged) Solve(CancellationToken cancellation)
    {
        var active = rows.Count;
        var shrinkAbove = double.PositiveInfinity;
        fixed (float* values = rows.Values)
        fixed (double* w = weights)
        {
            for (var iteration = 1; iteration <= options.MaxIterations; iteration++)
            {
                cancellation.ThrowIfCancellationRequested();
                Shuffle(active);
                var (largest, smallest) = Pass(values, w, ref active, shrinkAbove);
                if (largest - smallest > options.Tolerance)
                {
                    shrinkAbove = largest > 0 ? largest : double.PositiveInfinity;
                }
                else if (active == rows.Count)
                {
                    return (iteration, true);
                }
                else
                {
                    active = rows.Count;
                    shrinkAbove = double.PositiveInfinity;
                }
            }
        }

        return (options.MaxIterations, false);
    }

    private (double Largest, double Smallest) Pass(float* values, double* w, ref int active, double shrinkAbove)
    {
        var diagonal = 0.5 / options.C;
        double largest = double.NegativeInfinity, smallest = double.PositiveInfinity;
        for (var s = 0; s < active; s++)
        {
            var i = order[s];
            var x = values + ((nint)i * rows.Stride);
            var y = labels[i] == positive ? 1.0 : -1.0;
            var gradient = (y * SvmKernels.Dot(x, w, rows.Stride)) - 1 + (alpha[i] * diagonal);
            var projected = gradient;
            if (alpha[i] == 0)
            {
                if (gradient > shrinkAbove)
                {
                    active--;
                    (order[s], order[active]) = (order[active], order[s]);
                    s--;
                    continue;
                }

                projected = Math.Min(gradient, 0);
            }

            largest = Math.Max(largest, projected);
            smallest = Math.Min(smallest, projected);
            if (projected != 0)
            {
                var updated = Math.Max(alpha[i] - (gradient / (rows.SquaredNorms[i] + diagonal)), 0);
                SvmKernels.Axpy((updated - alpha[i]) * y, x, w, rows.Stride);
                alpha[i] = updated;
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
            (order[i], order[j]) = (order[j], order[i]);
        }
    }

    private ulong Next() // SplitMix64
    {
        var z = state = unchecked(state + 0x9E3779B97F4A7C15UL);
        z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL);
        z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EBUL);
        return z ^ (z >> 31);
    }
}
