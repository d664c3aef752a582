using System.Runtime.Intrinsics;
using Xkd.Model.Evaluation;

namespace Xkd.Model.Tests.Evaluation;

public class SvmKernelsTests
{
    // Numbers of order 1: a sum of n products errs by at most n roundings of n times their size, and on average by far less.
    private static double Tolerance(int length) => length * Math.Sqrt(length) * (Math.BitIncrement(1.0) - 1);

    [Theory]
    [InlineData(16)]
    [InlineData(48)]
    [InlineData(784)]
    public unsafe void DotAndAdd_AnyLength_MatchTheScalarLoops(int length)
    {
        SplitMix64 random = new(5);
        float[] x = [.. Enumerable.Range(0, 4 * length).Select(_ => (float)random.NextNormal())];
        double[] v = [.. Enumerable.Range(0, length).Select(_ => random.NextNormal())], w = [.. Enumerable.Range(0, length).Select(_ => random.NextNormal())], scales = [0.37, -2, 0, 5];
        double Scalar(int row, double[] with) => Enumerable.Range(0, length).Sum(i => x[(row * length) + i] * with[i]);
        double[] moved = [.. Enumerable.Range(0, length).Select(i => w[i] + Enumerable.Range(0, 4).Sum(row => scales[row] * x[(row * length) + i]))];
        double[] one = [.. Enumerable.Range(0, length).Select(i => moved[i] + (0.5 * x[i]))];

        fixed (float* px = x)
        fixed (double* pv = v, pw = w)
        {
            Vector256<double> dot = SvmKernels.Dot(px, px + length, px + (2 * length), px + (3 * length), pv, length);
            for (int row = 0; row < 4; row++)
            {
                Assert.Equal(Scalar(row, v), dot[row], Tolerance(length));
            }

            Assert.Equal(Scalar(0, v), SvmKernels.Dot(px, pv, length), Tolerance(length));
            SvmKernels.Add(Vector256.Create(scales[0], scales[1], scales[2], scales[3]), px, px + length, px + (2 * length), px + (3 * length), pw, length);
            Assert.All(moved.Zip(w), pair => Assert.Equal(pair.First, pair.Second, Tolerance(32))); // five terms, of size up to 20
            SvmKernels.Add(0.5, px, pw, length);
        }

        Assert.All(one.Zip(w), pair => Assert.Equal(pair.First, pair.Second, Tolerance(32)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(40)]
    public void Factor_ProductsOfRows_SolveWhatTheyMultiply(int n)
    {
        const int Length = 64;
        SplitMix64 random = new(6);
        double[] rows = [.. Enumerable.Range(0, n * Length).Select(_ => random.NextNormal())], x = [.. Enumerable.Range(0, n).Select(_ => random.NextNormal())];
        double[] matrix = SymmetricMatrix.Products(rows, n, Length, new ParallelOptions { MaxDegreeOfParallelism = 2 });
        int stride = RowBlocks.Padded(n);
        double At(int i, int j) => matrix[(Math.Max(i, j) * stride) + Math.Min(i, j)];
        double[] b = [.. Enumerable.Range(0, n).Select(i => Enumerable.Range(0, n).Sum(j => At(i, j) * x[j]))];
        Assert.Equal(Enumerable.Range(0, Length).Sum(i => rows[i] * rows[((n - 1) * Length) + i]), At(n - 1, 0), Tolerance(Length));

        SymmetricMatrix.Factor(matrix, n);
        SymmetricMatrix.Solve(matrix, n, b);

        // Of 64 numbers a row and at most 40 rows the matrix's condition is below (1 + √(40/64))² / (1 − √(40/64))² = 73, doubled for a sample this small; b is of order 64 · √n.
        Assert.All(x.Zip(b), pair => Assert.Equal(pair.First, pair.Second, 150 * Tolerance(n + 1)));
    }
}
