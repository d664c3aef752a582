namespace Xkd.Model.Evaluation;

/// <summary>Newton's step where fewer rows than features are within the margin: <c>(I + 2C A'A)⁻¹ = I − A'(AA' + I/2C)⁻¹A</c>.</summary>
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
        double[] products = SymmetricMatrix.Products(rows, count, stride, threads: 1), along = new double[count];
        for (int i = 0; i < count; i++)
        {
            products[(i * square) + i] += 0.5 / c;
            along[i] = VectorMath.Dot((ReadOnlySpan<double>)rows.AsSpan(i * stride, length), gradient);
        }

        SymmetricMatrix.Factor(products, count);
        SymmetricMatrix.Solve(products, count, along);
        for (int d = 0; d < length; d++)
        {
            step[d] = -gradient[d];
        }

        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<double> row = rows.AsSpan(i * stride, length);
            for (int d = 0; d < length; d++)
            {
                step[d] += along[i] * row[d];
            }
        }
    }
}
