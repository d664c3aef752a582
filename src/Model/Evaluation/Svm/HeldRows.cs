namespace Xkd.Model.Evaluation;

/// <summary>Newton's step <c>−(I + 2C A'A)⁻¹g</c> from the rows within the margin; where they are fewer than features, by <c>(I + 2C A'A)⁻¹ = I − A'(AA' + I/2C)⁻¹A</c>.</summary>
internal static class HeldRows
{
    /// <param name="rows">A: [count, padded length].</param>
    /// <param name="count">Number of rows.</param>
    /// <param name="c">C.</param>
    /// <param name="gradient">The gradient, [length].</param>
    /// <param name="step">Receives the step, [length].</param>
    public static void Step(double[] rows, int count, double c, double[] gradient, double[] step)
    {
        int length = gradient.Length, stride = SvmRows.Padded(length), square = SvmRows.Padded(count);
        for (int d = 0; d < length; d++)
        {
            step[d] = -gradient[d];
        }

        if (count > length)
        {
            ByFeatures(rows, count, c, step);
            return;
        }

        double[] products = SymmetricMatrix.Products(rows, count, stride, threads: 1), along = new double[count];
        for (int i = 0; i < count; i++)
        {
            products[(i * square) + i] += 0.5 / c;
            along[i] = VectorMath.Dot((ReadOnlySpan<double>)rows.AsSpan(i * stride, length), gradient);
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
        int length = step.Length, stride = SvmRows.Padded(length), square = SvmRows.Padded(count);
        double[] columns = new double[(long)length * square];
        for (int i = 0; i < count; i++)
        {
            for (int d = 0; d < length; d++)
            {
                columns[((long)d * square) + i] = rows[((long)i * stride) + d];
            }
        }

        double[] hessian = SymmetricMatrix.Products(columns, length, square, threads: 1);
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
