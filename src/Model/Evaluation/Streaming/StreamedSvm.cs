namespace Xkd.Model.Evaluation;

/// <summary>
/// The problem of <see cref="LinearSvm"/> on more rows than memory holds: block by block, each block's dual variables are improved for every class before the next block is read (Yu et al.,
/// "Large linear classification when data cannot fit in memory", KDD 2010). It goes to the same optimum. Held in memory are a block of rows, the weights, and one number a row and class;
/// classes that would exceed the budget are fitted in turns.
/// </summary>
internal sealed unsafe class StreamedSvm
{
    private const int InnerPasses = 3;
    private readonly FeatureSpool _spool;
    private readonly StreamedSvmOptions _options;
    private readonly double[] _mean;
    private readonly double[] _scale;
    private readonly int _stride;

    /// <param name="spool">The rows.</param>
    /// <param name="options">The problem and the memory.</param>
    /// <param name="mean">Subtracted from each feature; null: nothing.</param>
    /// <param name="scale">Each feature is multiplied by it; null: one.</param>
    public StreamedSvm(FeatureSpool spool, StreamedSvmOptions options, double[]? mean = null, double[]? scale = null)
    {
        (_spool, _options) = (spool, options);
        _mean = mean ?? new double[spool.Dim];
        _scale = scale ?? [.. Enumerable.Repeat(1.0, spool.Dim)];
        _stride = (spool.Dim + 1 + SvmKernels.Block - 1) / SvmKernels.Block * SvmKernels.Block;
        LinearSvm.Validate(spool.Rows, spool.Labels.Length, spool.Classes.Count, options.Svm);
    }

    private int BlockRows => Math.Max(1, Math.Min(_spool.Rows, (int)(_options.BlockBytes / (_stride * sizeof(float)))));

    /// <summary>Fits on the rows for which <paramref name="used"/> is true.</summary>
    public LinearSvmModel Fit(Func<int, bool> used, CancellationToken stop)
    {
        int classes = _spool.Classes.Count, turn = (int)Math.Clamp(_options.DualBytes / (sizeof(double) * (long)_spool.Rows), 1, classes);
        double[] coefficients = new double[classes * _spool.Dim], intercepts = new double[classes];
        int[] passes = new int[classes];
        bool converged = true;
        for (int first = 0; first < classes; first += turn)
        {
            State state = new(first, Math.Min(turn, classes - first), _spool.Rows, _stride);
            converged &= Solve(state, used, stop);
            for (int c = 0; c < state.Classes; c++)
            {
                state.Weights[c].AsSpan(0, _spool.Dim).CopyTo(coefficients.AsSpan((first + c) * _spool.Dim));
                intercepts[first + c] = _options.Svm.InterceptScaling * state.Weights[c][_spool.Dim];
                passes[first + c] = state.Passes[c];
            }
        }

        return new LinearSvmModel(_spool.Dim, coefficients, intercepts) { C = _options.Svm.C, Iterations = passes, Converged = converged };
    }

    /// <summary>Reads all rows in blocks, scaled, without the bias feature: [rows, dim].</summary>
    public static void ForEachBlock(FeatureSpool spool, long blockBytes, Action<int, ReadOnlySpan<float>> take, double[]? mean, double[]? scale, CancellationToken stop)
    {
        int rows = Math.Max(1, Math.Min(spool.Rows, (int)(blockBytes / (spool.Dim * sizeof(float)))));
        float[] block = new float[rows * spool.Dim];
        for (int first = 0; first < spool.Rows; first += rows)
        {
            stop.ThrowIfCancellationRequested();
            Span<float> values = block.AsSpan(0, Math.Min(rows, spool.Rows - first) * spool.Dim);
            spool.Read(first, values);
            for (int i = 0; i < values.Length && mean is not null; i++)
            {
                values[i] = (float)((values[i] - mean[i % spool.Dim]) * scale![i % spool.Dim]);
            }

            take(first, values);
        }
    }

    private bool Solve(State state, Func<int, bool> used, CancellationToken stop)
    {
        int rows = BlockRows, blocks = (_spool.Rows + rows - 1) / rows;
        float[] plain = new float[rows * _spool.Dim], padded = new float[rows * _stride];
        double[] norms = new double[rows];
        int[] order = [.. Enumerable.Range(0, blocks)];
        SplitMix64 random = new(_options.Svm.Seed + 1);
        for (int pass = 1; pass <= _options.Svm.MaxIterations; pass++)
        {
            random.Shuffle<int>(order);
            state.BeginPass();
            foreach (int block in order)
            {
                stop.ThrowIfCancellationRequested();
                int first = block * rows, count = Math.Min(rows, _spool.Rows - first);
                Load(first, count, plain, padded, norms);
                int[] visited = [.. Enumerable.Range(0, count).Where(i => used(first + i))];
                Parallel.For(0, state.Classes, c =>
                {
                    if (!state.Done[c])
                    {
                        Improve(state, c, first, visited, padded, norms, new SplitMix64(unchecked((_options.Svm.Seed * 0xD1342543DE82EF95UL) + (ulong)((((long)pass * blocks) + block) * 1_000_003) + (ulong)(state.First + c))));
                    }
                });
            }

            if (state.EndPass(pass, _options.Svm.Tolerance))
            {
                return true;
            }
        }

        return false;
    }

    private void Load(int first, int count, float[] plain, float[] padded, double[] norms)
    {
        _spool.Read(first, plain.AsSpan(0, count * _spool.Dim));
        Parallel.For(0, count, row =>
        {
            Span<float> from = plain.AsSpan(row * _spool.Dim, _spool.Dim), to = padded.AsSpan(row * _stride, _stride);
            double norm = _options.Svm.InterceptScaling * _options.Svm.InterceptScaling;
            for (int d = 0; d < from.Length; d++)
            {
                to[d] = (float)((from[d] - _mean[d]) * _scale[d]);
                norm += (double)to[d] * to[d];
            }

            to[_spool.Dim] = (float)_options.Svm.InterceptScaling;
            norms[row] = norm;
        });
    }

    /// <summary>Some passes over a block for one class; the first one's violations are those of the whole pass.</summary>
    private void Improve(State state, int c, int first, int[] visited, float[] padded, double[] norms, SplitMix64 random)
    {
        double diagonal = 0.5 / _options.Svm.C;
        int[] order = [.. visited];
        double[] alpha = state.Alpha[c];
        int positive = state.First + c;
        fixed (float* values = padded)
        fixed (double* w = state.Weights[c])
        {
            for (int inner = 0; inner < InnerPasses; inner++)
            {
                random.Shuffle<int>(order);
                foreach (int i in order)
                {
                    float* x = values + ((nint)i * _stride);
                    double y = _spool.Labels[first + i] == positive ? 1 : -1, a = alpha[first + i];
                    double gradient = (y * SvmKernels.Dot(x, w, _stride)) - 1 + (a * diagonal), projected = a == 0 ? Math.Min(gradient, 0) : gradient;
                    if (inner == 0)
                    {
                        state.Saw(c, projected);
                    }

                    if (projected != 0)
                    {
                        double updated = Math.Max(a - (gradient / (norms[i] + diagonal)), 0);
                        SvmKernels.Axpy((updated - a) * y, x, w, _stride);
                        alpha[first + i] = updated;
                    }
                }
            }
        }
    }

    /// <summary>The dual variables and weights of the classes fitted in one turn.</summary>
    private sealed class State(int first, int classes, int rows, int stride)
    {
        private readonly double[] _largest = new double[classes];
        private readonly double[] _smallest = new double[classes];

        public int First => first;

        public int Classes => classes;

        public double[][] Alpha { get; } = [.. Enumerable.Range(0, classes).Select(_ => new double[rows])];

        public double[][] Weights { get; } = [.. Enumerable.Range(0, classes).Select(_ => new double[stride])];

        public bool[] Done { get; } = new bool[classes];

        public int[] Passes { get; } = new int[classes];

        public void BeginPass()
        {
            Array.Fill(_largest, double.NegativeInfinity);
            Array.Fill(_smallest, double.PositiveInfinity);
        }

        public void Saw(int c, double projected)
        {
            _largest[c] = Math.Max(_largest[c], projected);
            _smallest[c] = Math.Min(_smallest[c], projected);
        }

        public bool EndPass(int pass, double tolerance)
        {
            for (int c = 0; c < classes; c++)
            {
                Passes[c] = Done[c] ? Passes[c] : pass;
                Done[c] |= _largest[c] - _smallest[c] <= tolerance;
            }

            return Array.TrueForAll(Done, d => d);
        }
    }
}
