using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using System.Runtime.Intrinsics;

namespace Xkd.Model.Evaluation;

/// <summary>The inner loops of the SVM: float32 rows against float64 vectors. Lengths are multiples of <see cref="Block"/>.</summary>
internal static unsafe class SvmKernels
{
    /// <summary>Floats handled per turn of the loops.</summary>
    public const int Block = 16;

    /// <summary>Products of four rows with one vector: a chain of sums each hides the latency of the multiply-add, and the vector is read once.</summary>
    public static Vector256<double> Dot(float* x0, float* x1, float* x2, float* x3, double* v, int length)
    {
        Vector256<double> a = default, b = default, c = default, d = default;
        for (int i = 0; i < length; i += 4)
        {
            Vector256<double> w = Vector256.Load(v + i);
            a = Vector256.FusedMultiplyAdd(Widen(x0 + i), w, a);
            b = Vector256.FusedMultiplyAdd(Widen(x1 + i), w, b);
            c = Vector256.FusedMultiplyAdd(Widen(x2 + i), w, c);
            d = Vector256.FusedMultiplyAdd(Widen(x3 + i), w, d);
        }

        return Vector256.Create(Vector256.Sum(a), Vector256.Sum(b), Vector256.Sum(c), Vector256.Sum(d));
    }

    /// <summary>Products of four rows with two others.</summary>
    public static (Vector256<double> V, Vector256<double> W) Dot(double* x0, double* x1, double* x2, double* x3, double* v, double* w, int length)
    {
        Vector256<double> a = default, b = default, c = default, d = default, e = default, f = default, g = default, h = default;
        for (int i = 0; i < length; i += 4)
        {
            Vector256<double> first = Vector256.Load(v + i), second = Vector256.Load(w + i), x = Vector256.Load(x0 + i);
            a = Vector256.FusedMultiplyAdd(x, first, a);
            e = Vector256.FusedMultiplyAdd(x, second, e);
            x = Vector256.Load(x1 + i);
            b = Vector256.FusedMultiplyAdd(x, first, b);
            f = Vector256.FusedMultiplyAdd(x, second, f);
            x = Vector256.Load(x2 + i);
            c = Vector256.FusedMultiplyAdd(x, first, c);
            g = Vector256.FusedMultiplyAdd(x, second, g);
            x = Vector256.Load(x3 + i);
            d = Vector256.FusedMultiplyAdd(x, first, d);
            h = Vector256.FusedMultiplyAdd(x, second, h);
        }

        return (Vector256.Create(Vector256.Sum(a), Vector256.Sum(b), Vector256.Sum(c), Vector256.Sum(d)),
            Vector256.Create(Vector256.Sum(e), Vector256.Sum(f), Vector256.Sum(g), Vector256.Sum(h)));
    }

    public static double Dot(float* x, double* v, int length)
    {
        Vector256<double> a = default, b = default, c = default, d = default;
        for (int i = 0; i < length; i += Block)
        {
            a = Vector256.FusedMultiplyAdd(Widen(x + i), Vector256.Load(v + i), a);
            b = Vector256.FusedMultiplyAdd(Widen(x + i + 4), Vector256.Load(v + i + 4), b);
            c = Vector256.FusedMultiplyAdd(Widen(x + i + 8), Vector256.Load(v + i + 8), c);
            d = Vector256.FusedMultiplyAdd(Widen(x + i + 12), Vector256.Load(v + i + 12), d);
        }

        return Vector256.Sum(a + b + (c + d));
    }

    /// <summary>sum += s0 · x0 + s1 · x1 + s2 · x2 + s3 · x3.</summary>
    public static void Add(Vector256<double> scales, float* x0, float* x1, float* x2, float* x3, double* sum, int length)
    {
        Vector256<double> s0 = Vector256.Create(scales[0]), s1 = Vector256.Create(scales[1]);
        Vector256<double> s2 = Vector256.Create(scales[2]), s3 = Vector256.Create(scales[3]);
        for (int i = 0; i < length; i += 4)
        {
            Vector256<double> a = Vector256.FusedMultiplyAdd(Widen(x0 + i), s0, Vector256.Load(sum + i)), b = Widen(x1 + i) * s1;
            a = Vector256.FusedMultiplyAdd(Widen(x2 + i), s2, a);
            b = Vector256.FusedMultiplyAdd(Widen(x3 + i), s3, b);
            (a + b).Store(sum + i);
        }
    }

    /// <summary>sum += scale · x.</summary>
    public static void Add(double scale, float* x, double* sum, int length)
    {
        Vector256<double> s = Vector256.Create(scale);
        for (int i = 0; i < length; i += Block)
        {
            Vector256.FusedMultiplyAdd(Widen(x + i), s, Vector256.Load(sum + i)).Store(sum + i);
            Vector256.FusedMultiplyAdd(Widen(x + i + 4), s, Vector256.Load(sum + i + 4)).Store(sum + i + 4);
            Vector256.FusedMultiplyAdd(Widen(x + i + 8), s, Vector256.Load(sum + i + 8)).Store(sum + i + 8);
            Vector256.FusedMultiplyAdd(Widen(x + i + 12), s, Vector256.Load(sum + i + 12)).Store(sum + i + 12);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Widen(float* x)
    {
        // One instruction where it exists; Vector256.Widen would need the upper half extracted first.
        if (Avx.IsSupported)
        {
            return Avx.ConvertToVector256Double(Vector128.Load(x));
        }

        var (lower, upper) = Vector128.Widen(Vector128.Load(x));
        return Vector256.Create(lower, upper);
    }
}
