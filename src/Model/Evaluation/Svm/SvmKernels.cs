using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Xkd.Model.Evaluation;

/// <summary>The two inner loops of coordinate descent over float32 rows and float64 weights. Lengths are multiples of <see cref="Block"/>.</summary>
internal static unsafe class SvmKernels
{
    /// <summary>Floats handled per turn of the loops: four 256-bit accumulators hide the latency of the multiply-add.</summary>
    public const int Block = 16;

    public static double Dot(float* x, double* w, int length)
    {
        Vector256<double> a = default, b = default, c = default, d = default;
        for (var i = 0; i < length; i += Block)
        {
            a = Vector256.FusedMultiplyAdd(Widen(x + i), Vector256.Load(w + i), a);
            b = Vector256.FusedMultiplyAdd(Widen(x + i + 4), Vector256.Load(w + i + 4), b);
            c = Vector256.FusedMultiplyAdd(Widen(x + i + 8), Vector256.Load(w + i + 8), c);
            d = Vector256.FusedMultiplyAdd(Widen(x + i + 12), Vector256.Load(w + i + 12), d);
        }

        return Vector256.Sum(a + b + (c + d));
    }

    /// <summary>w += scale · x.</summary>
    public static void Axpy(double scale, float* x, double* w, int length)
    {
        var s = Vector256.Create(scale);
        for (var i = 0; i < length; i += Block)
        {
            Vector256.FusedMultiplyAdd(Widen(x + i), s, Vector256.Load(w + i)).Store(w + i);
            Vector256.FusedMultiplyAdd(Widen(x + i + 4), s, Vector256.Load(w + i + 4)).Store(w + i + 4);
            Vector256.FusedMultiplyAdd(Widen(x + i + 8), s, Vector256.Load(w + i + 8)).Store(w + i + 8);
            Vector256.FusedMultiplyAdd(Widen(x + i + 12), s, Vector256.Load(w + i + 12)).Store(w + i + 12);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<double> Widen(float* x)
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
