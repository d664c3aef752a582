using System.Numerics;
using System.Runtime.InteropServices;

namespace Xkd.Model.Evaluation;

/// <summary>Dot products and norms in the machine's vector width, for spans of any length. Float32 data is summed in float64 where the result is compared or inverted.</summary>
internal static class VectorMath
{
    public static double Dot(ReadOnlySpan<float> x, ReadOnlySpan<double> w)
    {
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(x);
        var weights = MemoryMarshal.Cast<double, Vector<double>>(w);
        Vector<double> lower = default, upper = default;
        for (var i = 0; i < vectors.Length; i++)
        {
            Vector.Widen(vectors[i], out var a, out var b);
            lower += a * weights[2 * i];
            upper += b * weights[(2 * i) + 1];
        }

        var sum = Vector.Sum(lower + upper);
        for (var i = vectors.Length * Vector<float>.Count; i < x.Length; i++)
        {
            sum += x[i] * w[i];
        }

        return sum;
    }

    public static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        var a = MemoryMarshal.Cast<float, Vector<float>>(x);
        var b = MemoryMarshal.Cast<float, Vector<float>>(y);
        Vector<float> even = default, odd = default;
        var i = 0;
        for (; i + 1 < a.Length; i += 2)
        {
            even += a[i] * b[i];
            odd += a[i + 1] * b[i + 1];
        }

        if (i < a.Length)
        {
            even += a[i] * b[i];
        }

        var sum = Vector.Sum(even + odd);
        for (i = a.Length * Vector<float>.Count; i < x.Length; i++)
        {
            sum += x[i] * y[i];
        }

        return sum;
    }

    public static double Dot(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        var a = MemoryMarshal.Cast<double, Vector<double>>(x);
        var b = MemoryMarshal.Cast<double, Vector<double>>(y);
        Vector<double> total = default;
        for (var i = 0; i < a.Length; i++)
        {
            total += a[i] * b[i];
        }

        var sum = Vector.Sum(total);
        for (var i = a.Length * Vector<double>.Count; i < x.Length; i++)
        {
            sum += x[i] * y[i];
        }

        return sum;
    }

    /// <summary>Scales each row to unit length, in place; rows shorter than 1e-12 are divided by that (as PyTorch's normalize does).</summary>
    public static void NormaliseRows(Span<float> rows, int dim)
    {
        for (var start = 0; start < rows.Length; start += dim)
        {
            var row = rows.Slice(start, dim);
            double squares = 0;
            foreach (var value in row)
            {
                squares += (double)value * value;
            }

            var scale = 1 / Math.Max(Math.Sqrt(squares), 1e-12);
            for (var i = 0; i < row.Length; i++)
            {
                row[i] = (float)(row[i] * scale);
            }
        }
    }
}
