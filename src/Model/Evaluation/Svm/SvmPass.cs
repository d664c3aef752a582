using System.Numerics;
using System.Runtime.Intrinsics;

namespace Xkd.Model.Evaluation;

/// <summary>
/// Reads all rows once and sums what several solvers ask for. The sums' order is fixed by the rows alone, so that the number of threads changes nothing.
/// </summary>
internal sealed unsafe class SvmPass(RowBlocks rows, SvmTargets targets, FeatureScaler scaler, LinearSvmOptions options)
{
    // Parts of a block that are summed apart; classes that a thread takes through one of them.
    private const int Parts = 8, Together = 8;
    private readonly ParallelOptions _parallel = options.Parallel;

    public void Run(IReadOnlyList<NewtonSolver> solvers, CancellationToken stop)
    {
        Sums[] sums = [.. solvers.Select(s => new Sums(s, rows, scaler, options.InterceptScaling))];
        int groups = (sums.Length + Together - 1) / Together;
        rows.ForEachBlock((first, count, values) =>
        {
            int tiles = (count + RowBlocks.Tile - 1) / RowBlocks.Tile;
            Parallel.For(0, Parts * groups, _parallel, item =>
            {
                int part = item % Parts, group = item / Parts;
                fixed (float* x = values)
                {
                    for (int tile = tiles * part / Parts; tile < tiles * (part + 1) / Parts; tile++)
                    {
                        int start = tile * RowBlocks.Tile;
                        Span<Sums> served = sums.AsSpan(group * Together, Math.Min(Together, sums.Length - (group * Together)));
                        Tile(served, part, x + ((nint)start * rows.Stride), first + start, Math.Min(RowBlocks.Tile, count - start));
                    }
                }
            });
        }, stop);
        Parallel.For(0, sums.Length, _parallel, i => sums[i].Give(scaler, options.InterceptScaling));
    }

    private void Tile(Span<Sums> group, int part, float* x, int first, int count)
    {
        foreach (Sums sums in group)
        {
            switch (sums.Solver.Ask)
            {
                case SvmAsk.Gradient:
                    Gradient(sums, part, x, first, count);
                    break;
                case SvmAsk.Product:
                    Product(sums, part, x, first);
                    break;
                default:
                    Copy(sums, x, first);
                    break;
            }
        }
    }

    private void Gradient(Sums sums, int part, float* x, int first, int count)
    {
        ulong within = 0;
        double* scales = stackalloc double[4];
        fixed (double* v = sums.Vector, sum = sums.Parts[part])
        {
            for (int i = 0; i < count; i += 4)
            {
                float* x0 = x + ((nint)i * rows.Stride), x1 = At(i + 1), x2 = At(i + 2), x3 = At(i + 3);
                Vector256<double> products = SvmKernels.Dot(x0, x1, x2, x3, v, rows.Stride);
                int among = 0;
                for (int j = 0; j < 4; j++)
                {
                    scales[j] = 0;
                    int y = i + j < count ? targets.Sign(first + i + j, sums.Solver.Positive) : 0;
                    double slack = 1 - (y * (products[j] + sums.Offset));
                    if (y != 0 && slack > 0)
                    {
                        scales[j] = -2 * options.C * y * slack;
                        sums.Loss[part] += options.C * slack * slack;
                        sums.Size[part] += 2 * options.C * slack;
                        sums.Total[part] += scales[j];
                        within |= 1UL << (i + j);
                        among++;
                    }
                }

                if (among > 0)
                {
                    SvmKernels.Add(Vector256.Load(scales), x0, x1, x2, x3, sum, rows.Stride);
                }
            }
        }

        sums.Solver.Active[first / RowBlocks.Tile] = within;

        float* At(int row) => x + ((nint)Math.Min(row, count - 1) * rows.Stride);
    }

    private void Product(Sums sums, int part, float* x, int first)
    {
        ulong within = sums.Solver.Active[first / RowBlocks.Tile];
        if (within == 0)
        {
            return;
        }

        float** taken = stackalloc float*[4];
        fixed (double* v = sums.Vector, sum = sums.Parts[part])
        {
            while (within != 0)
            {
                int count = 0;
                for (; count < 4 && within != 0; within &= within - 1)
                {
                    taken[count++] = x + ((nint)BitOperations.TrailingZeroCount(within) * rows.Stride);
                }

                for (int j = count; j < 4; j++)
                {
                    taken[j] = taken[0];
                }

                Vector256<double> products = SvmKernels.Dot(taken[0], taken[1], taken[2], taken[3], v, rows.Stride);
                Vector256<double> scales = (products + Vector256.Create(sums.Offset)) * (2 * options.C);
                for (int j = count; j < 4; j++)
                {
                    scales = scales.WithElement(j, 0);
                }

                sums.Total[part] += Vector256.Sum(scales);
                SvmKernels.Add(scales, taken[0], taken[1], taken[2], taken[3], sum, rows.Stride);
            }
        }
    }

    private void Copy(Sums sums, float* x, int first)
    {
        int at = sums.Before[first / RowBlocks.Tile] * sums.RowStride;
        for (ulong within = sums.Solver.Active[first / RowBlocks.Tile]; within != 0; within &= within - 1, at += sums.RowStride)
        {
            float* row = x + ((nint)BitOperations.TrailingZeroCount(within) * rows.Stride);
            for (int d = 0; d < rows.Dim; d++)
            {
                sums.Rows[at + d] = (row[d] - scaler.Mean[d]) * scaler.Scale[d];
            }

            sums.Rows[at + rows.Dim] = options.InterceptScaling;
        }
    }

    /// <summary>What one solver asks for, in terms of rows as they are stored, and its sums so far.</summary>
    private sealed class Sums
    {
        private readonly int _count;

        public Sums(NewtonSolver solver, RowBlocks rows, FeatureScaler scaler, double bias)
        {
            Solver = solver;
            if (solver.Ask == SvmAsk.Rows)
            {
                Before = new int[solver.Active.Length];
                for (int tile = 0; tile < Before.Length; tile++)
                {
                    Before[tile] = _count;
                    _count += BitOperations.PopCount(solver.Active[tile]);
                }

                Rows = new double[_count * RowStride];
                return;
            }

            Vector = new double[rows.Stride];
            Offset = bias * solver.Asked[rows.Dim];
            for (int d = 0; d < rows.Dim; d++)
            {
                Vector[d] = solver.Asked[d] * scaler.Scale[d];
                Offset -= scaler.Mean[d] * Vector[d];
            }

            Parts = [.. Enumerable.Range(0, SvmPass.Parts).Select(_ => new double[rows.Stride])];
        }

        public NewtonSolver Solver { get; }

        /// <summary>The rows within the margin, and how many of them come before each tile.</summary>
        public double[] Rows { get; } = [];

        public int[] Before { get; } = [];

        public int RowStride => RowBlocks.Padded(Solver.Asked.Length);

        public double[] Vector { get; } = [];

        public double Offset { get; }

        public double[][] Parts { get; } = [];

        public double[] Loss { get; } = new double[SvmPass.Parts];

        public double[] Size { get; } = new double[SvmPass.Parts];

        /// <summary>Sum of the rows' coefficients.</summary>
        public double[] Total { get; } = new double[SvmPass.Parts];

        public void Give(FeatureScaler scaler, double bias)
        {
            if (Solver.Ask == SvmAsk.Rows)
            {
                Solver.Take(Rows, _count);
                return;
            }

            double total = Total.Sum();
            int dim = scaler.Mean.Length;
            var whole = new double[dim + 1];
            foreach (double[] part in Parts)
            {
                for (int d = 0; d < dim; d++)
                {
                    whole[d] += part[d];
                }
            }

            for (int d = 0; d < dim; d++)
            {
                whole[d] = scaler.Scale[d] * (whole[d] - (scaler.Mean[d] * total));
            }

            whole[dim] = bias * total;
            Solver.Take(whole, Loss.Sum(), Size.Sum(), Solver.Active.Sum(word => (long)BitOperations.PopCount(word)));
        }
    }
}
