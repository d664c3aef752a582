namespace Xkd.Model.Evaluation;

/// <summary>
/// Stands in for the Hessians <c>I + 2C Σ x x'</c> of all classes: the sum over a sample of the rows, weighted by the share of rows that are within a class's
/// margin, factored once for each of a few such shares. Features of different size and correlated ones then cost no more steps than others, whatever C is.
/// </summary>
internal sealed unsafe class SvmPreconditioner
{
    // Rows of the sample per feature: the sample's spectrum is then the whole's to a factor of about two.
    private const int RowsPerFeature = 4;
    private const long SampleBytes = 96L << 20;

    // Features that are taken together; what lies between such groups is left to the conjugate gradients.
    private const int MostTogether = 2048;
    private const int Levels = 8;
    private readonly Part[] _parts;
    private readonly double _share;
    private readonly int _used;
    private readonly double _c;

    public SvmPreconditioner(RowBlocks rows, SvmTargets targets, FeatureScaler scaler, LinearSvmOptions options, CancellationToken stop)
    {
        _used = targets.UsedRows;
        _c = options.C;
        int length = rows.Dim + 1, groups = (length + MostTogether - 1) / MostTogether;
        int most = (int)Math.Clamp(SampleBytes / (sizeof(double) * length), 1, RowsPerFeature * Math.Min(length, MostTogether));
        int every = Math.Max(1, (_used + most - 1) / most);
        _parts = [.. Enumerable.Range(0, groups).Select(g => new Part(length * g / groups, length * (g + 1) / groups))];
        List<double[]> sample = [];
        int seen = 0, taken = 0;
        double largest = 0;
        rows.ForEachBlock((first, count, values) =>
        {
            for (int i = 0; i < count; i++)
            {
                if ((targets.Used is null || targets.Used[first + i]) && seen++ % every == 0)
                {
                    taken++;
                    var row = new double[length];
                    for (int d = 0; d < rows.Dim; d++)
                    {
                        row[d] = (values[((long)i * rows.Stride) + d] - scaler.Mean[d]) * scaler.Scale[d];
                    }

                    row[rows.Dim] = options.InterceptScaling;
                    double norm = VectorMath.Dot<double>(row, row);
                    largest = Math.Max(largest, norm);
                    sample.Add(row);
                }
            }
        }, stop);
        LargestRow = Math.Sqrt(largest);
        _share = (double)_used / Math.Max(1, taken);
        foreach (Part part in _parts)
        {
            part.Add(sample, options.Parallel);
        }
    }

    /// <summary>Length of the longest row of the sample, scaled.</summary>
    public double LargestRow { get; }

    /// <summary>Chooses the factors for a class with so many rows within its margin.</summary>
    public void Choose(NewtonSolver solver, long active) =>
        solver.Level = (int)Math.Clamp(Math.Round(Math.Log(Math.Max(1, _used) / (double)Math.Max(1, active)) / Math.Log(4)), 0, Levels - 1);

    /// <summary>Solves M x = b.</summary>
    public void Solve(NewtonSolver solver, double[] b, double[] x)
    {
        b.CopyTo(x, 0);
        foreach (Part part in _parts)
        {
            part.Solve(solver.Level, 2 * _c * _share * Math.Pow(4, -solver.Level), x.AsSpan(part.First, part.Length));
        }
    }

    private sealed class Part(int first, int end)
    {
        private readonly int _stride = RowBlocks.Padded(end - first);
        private readonly Lock _gate = new();
        private readonly float[]?[] _factors = new float[Levels][];
        private double[] _sums = [];

        public int First => first;

        public int Length => end - first;

        public void Add(List<double[]> sample, ParallelOptions parallel) =>
            _sums = SymmetricMatrix.ColumnProducts(sample.Count, Length, (row, d) => sample[row][first + d], parallel);

        public void Solve(int level, double weight, Span<double> x)
        {
            float[] factor = Factor(level, weight);
            int n = Length;
            fixed (float* l = factor)
            fixed (double* v = x)
            {
                double* padded = stackalloc double[_stride];
                x.CopyTo(new Span<double>(padded, n));
                new Span<double>(padded + n, _stride - n).Clear();
                for (int i = 0; i < n; i++)
                {
                    // What lies right of the diagonal is zero, the diagonal itself is kept as its inverse after the row.
                    double* at = padded;
                    float* row = l + ((nint)i * _stride);
                    int whole = i / SvmKernels.Block * SvmKernels.Block;
                    double sum = SvmKernels.Dot(row, at, whole);
                    for (int j = whole; j < i; j++)
                    {
                        sum += row[j] * at[j];
                    }

                    at[i] = (at[i] - sum) / row[i];
                }

                for (int i = n - 1; i >= 0; i--)
                {
                    float* row = l + ((nint)i * _stride);
                    padded[i] /= row[i];
                    int whole = i / SvmKernels.Block * SvmKernels.Block;
                    SvmKernels.Add(-padded[i], row, padded, whole);
                    for (int j = whole; j < i; j++)
                    {
                        padded[j] -= padded[i] * row[j];
                    }
                }

                new Span<double>(padded, n).CopyTo(x);
            }
        }

        private float[] Factor(int level, double weight)
        {
            lock (_gate)
            {
                return _factors[level] ??= Cholesky(weight);
            }
        }

        private float[] Cholesky(double weight)
        {
            int n = Length;
            double[] a = [.. _sums.Select(s => weight * s)];
            for (int i = 0; i < n; i++)
            {
                a[(i * _stride) + i] += 1;
            }

            SymmetricMatrix.Factor(a, n);
            var factor = new float[(long)n * _stride];
            for (int i = 0; i < n; i++)
            {
                for (int j = 0; j <= i; j++)
                {
                    factor[((long)i * _stride) + j] = (float)a[(i * _stride) + j];
                }
            }

            return factor;
        }
    }
}
