using System.Runtime.Intrinsics;

namespace Xkd.Model.Evaluation;

/// <summary>Lower triangles of positive definite matrices [n, stride], stride a multiple of <see cref="SvmKernels.Block"/>.</summary>
internal static unsafe class SymmetricMatrix
{
    /// <summary>Products of n columns of some rows with each other.</summary>
    public static double[] ColumnProducts(int rows, int n, Func<int, int, double> value, ParallelOptions parallel)
    {
        int stride = RowBlocks.Padded(rows);
        var columns = new double[(long)n * stride];
        for (int row = 0; row < rows; row++)
        {
            for (int d = 0; d < n; d++)
            {
                columns[((long)d * stride) + row] = value(row, d);
            }
        }

        return Products(columns, n, stride, parallel);
    }

    /// <summary>Products of rows with each other.</summary>
    /// <param name="rows">[n, length], length a multiple of <see cref="SvmKernels.Block"/>.</param>
    /// <param name="n">Number of rows.</param>
    /// <param name="length">Numbers of a row.</param>
    /// <param name="parallel">Threads at most.</param>
    public static double[] Products(double[] rows, int n, int length, ParallelOptions parallel)
    {
        int stride = RowBlocks.Padded(n), bands = (n + 3) / 4;
        var products = new double[(long)n * stride];
        Parallel.For(0, bands, parallel, band =>
        {
            // The longest first: the last ones are short.
            int i = (bands - 1 - band) * 4, last = Math.Min(i + 3, n - 1);
            fixed (double* x = rows, to = products)
            {
                double* start = x;
                double* At(int row) => start + ((nint)Math.Min(row, n - 1) * length);
                for (int j = 0; j <= last; j += 2)
                {
                    (Vector256<double> left, Vector256<double> right) = SvmKernels.Dot(At(i), At(i + 1), At(i + 2), At(i + 3), At(j), At(j + 1), length);
                    for (int k = i; k <= last; k++)
                    {
                        to[((nint)k * stride) + j] = left[k - i];
                        if (j < last)
                        {
                            to[((nint)k * stride) + j + 1] = right[k - i];
                        }
                    }
                }
            }
        });
        return products;
    }

    /// <summary>Replaces a matrix by its Cholesky factor.</summary>
    public static void Factor(double[] matrix, int n)
    {
        int stride = RowBlocks.Padded(n);
        fixed (double* a = matrix)
        {
            for (int j = 0; j < n; j++)
            {
                double* top = a + ((nint)j * stride);
                int whole = j / SvmKernels.Block * SvmKernels.Block;
                double diagonal = top[j], rest = diagonal - Product(top, top, j);

                // Rounding may leave nothing of a row that others span.
                double pivot = Math.Sqrt(Math.Max(rest, 1e-14 * diagonal));
                top[j] = pivot;
                for (int i = j + 1; i < n; i += 8)
                {
                    // Of eight rows below; those past the end are the last one again.
                    double* below = a;
                    double* At(int k) => below + ((nint)Math.Min(i + k, n - 1) * stride);
                    (Vector256<double> left, _) = SvmKernels.Dot(At(0), At(1), At(2), At(3), top, top, whole);
                    (Vector256<double> right, _) = SvmKernels.Dot(At(4), At(5), At(6), At(7), top, top, whole);
                    for (int k = 0; k < 8 && i + k < n; k++)
                    {
                        double* row = a + ((nint)(i + k) * stride);
                        double product = k < 4 ? left[k] : right[k - 4];
                        for (int m = whole; m < j; m++)
                        {
                            product += row[m] * top[m];
                        }

                        row[j] = (row[j] - product) / pivot;
                    }
                }
            }
        }
    }

    /// <summary>Solves L L' x = b in place, with a factor.</summary>
    public static void Solve(double[] factor, int n, Span<double> x)
    {
        int stride = RowBlocks.Padded(n);
        for (int i = 0; i < n; i++)
        {
            x[i] = (x[i] - VectorMath.Dot<double>(factor.AsSpan(i * stride, i), x[..i])) / factor[(i * stride) + i];
        }

        for (int i = n - 1; i >= 0; i--)
        {
            ReadOnlySpan<double> row = factor.AsSpan(i * stride, i + 1);
            double value = x[i] /= row[i];
            for (int j = 0; j < i; j++)
            {
                x[j] -= value * row[j];
            }
        }
    }

    private static double Product(double* a, double* b, int length) => VectorMath.Dot(new ReadOnlySpan<double>(a, length), new ReadOnlySpan<double>(b, length));
}

/// <summary>
/// Newton's step <c>−(I + 2C A'A)⁻¹g</c> from the rows within the margin; where they are fewer than features, by <c>(I + 2C A'A)⁻¹ = I − A'(AA' +
/// I/2C)⁻¹A</c>.
/// </summary>
internal static class HeldRows
{
    private static readonly ParallelOptions OneThread = new() { MaxDegreeOfParallelism = 1 };

    /// <summary>Of rows A [count, padded length] and a gradient [length], into a step of the same length.</summary>
    public static void Step(double[] rows, int count, double c, double[] gradient, double[] step)
    {
        int length = gradient.Length, stride = RowBlocks.Padded(length), square = RowBlocks.Padded(count);
        for (int d = 0; d < length; d++)
        {
            step[d] = -gradient[d];
        }

        if (count > length)
        {
            ByFeatures(rows, count, c, step);
            return;
        }

        double[] products = SymmetricMatrix.Products(rows, count, stride, OneThread), along = new double[count];
        for (int i = 0; i < count; i++)
        {
            products[(i * square) + i] += 0.5 / c;
            along[i] = VectorMath.Dot<double>(rows.AsSpan(i * stride, length), gradient);
        }

        SymmetricMatrix.Factor(products, count);
        SymmetricMatrix.Solve(products, count, along);
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<double> row = rows.AsSpan(i * stride, length);
            for (int d = 0; d < length; d++)
            {
                step[d] += along[i] * row[d];
            }
        }
    }

    private static void ByFeatures(double[] rows, int count, double c, double[] step)
    {
        int length = step.Length, stride = RowBlocks.Padded(length);
        double[] hessian = SymmetricMatrix.ColumnProducts(count, length, (i, d) => rows[((long)i * stride) + d], OneThread);
        for (int d = 0; d < length; d++)
        {
            for (int e = 0; e <= d; e++)
            {
                hessian[(d * stride) + e] *= 2 * c;
            }

            hessian[(d * stride) + d]++;
        }

        SymmetricMatrix.Factor(hessian, length);
        SymmetricMatrix.Solve(hessian, length, step);
    }
}
