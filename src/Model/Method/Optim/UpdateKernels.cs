using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Xkd.Model.Method;

/// <summary>
/// The loops of the optimizer over host memory. They are bound by it: each value is read once and written once, and lines are asked for ahead, across
/// the page boundaries at which the processor's own prefetching ends. Lengths are multiples of <see cref="FlatParameters.RowLength"/>.
/// </summary>
internal static unsafe class UpdateKernels
{
    private const int Half = 8, Line = 2 * Half; // values of a vector, and of a cache line
    private const int Ahead = 256; // values
    private const int Chunk = 1024; // values summed in float32 before they go on in float64

    /// <summary>Sum of squares. The order of summation depends on the length alone.</summary>
    public static double SquareSum(float* x, long length)
    {
        var total = 0.0;
        for (long start = 0; start < length; start += Chunk)
        {
            Vector256<float> even = default, odd = default;
            float* from = x + start, end = x + Math.Min(length, start + Chunk);
            for (; from < end; from += Line)
            {
                Vector256<float> a = Vector256.Load(from), b = Vector256.Load(from + Half);
                even = Vector256.FusedMultiplyAdd(a, a, even);
                odd = Vector256.FusedMultiplyAdd(b, b, odd);
            }

            var (lower, upper) = Vector256.Widen(even + odd);
            total += Vector256.Sum(lower + upper);
        }

        return total;
    }

    /// <summary>gradient = gradient · coefficient.</summary>
    public static void Scale(float* gradient, long length, float coefficient)
    {
        for (var end = gradient + length; gradient < end; gradient += Half)
        {
            (Vector256.Load(gradient) * coefficient).Store(gradient);
        }
    }

    /// <summary>teacher = teacher + (student − teacher) · share.</summary>
    public static void Follow(float* teacher, float* student, long length, float share)
    {
        var take = Vector256.Create(share);
        for (long i = 0; i < length; i += Half)
        {
            Lerp(Vector256.Load(teacher + i), Vector256.Load(student + i), take).Store(teacher + i);
        }
    }

    /// <summary>
    /// One AdamW update with the gradient scaled by <paramref name="coefficient"/>, which leaves the gradient zero; a teacher that is not null follows the
    /// updated values by <paramref name="share"/>.
    /// </summary>
    public static void AdamW(float* values, float* gradient, float* mean, float* variance, long length, in AdamWScalars s, float coefficient, float* teacher, float share)
    {
        // Taken out of the loop by hand: its stores might write to what they are read from, for all that the compiler knows.
        Vector256<float> takeMean = Vector256.Create(s.TakeMean), keepVariance = Vector256.Create(s.KeepVariance), takeVariance = Vector256.Create(s.TakeVariance);
        Vector256<float> deviation = Vector256.Create(s.Deviation), eps = Vector256.Create(s.Eps), decay = Vector256.Create(s.Decay), step = Vector256.Create(s.StepSize);
        Vector256<float> scale = Vector256.Create(coefficient), take = Vector256.Create(share);
        var followed = teacher == null ? values : teacher;
        for (long i = 0; i < length; i += Line)
        {
            if (Sse.IsSupported)
            {
                Sse.Prefetch0(values + i + Ahead); // beyond the end it is harmless
                Sse.Prefetch0(mean + i + Ahead);
                Sse.Prefetch0(variance + i + Ahead);
                Sse.Prefetch0(gradient + i + Ahead);
                Sse.Prefetch0(followed + i + Ahead);
            }

            for (var j = i; j < i + Line; j += Half)
            {
                var g = Vector256.Load(gradient + j) * scale;
                var m = Lerp(Vector256.Load(mean + j), g, takeMean);
                var v = Vector256.FusedMultiplyAdd(Vector256.Load(variance + j), keepVariance, g * g * takeVariance);
                var p = (Vector256.Load(values + j) * decay) - (m * step / Vector256.FusedMultiplyAdd(Vector256.Sqrt(v), deviation, eps));
                p.Store(values + j);
                m.Store(mean + j);
                v.Store(variance + j);
                Vector256<float>.Zero.Store(gradient + j);
                if (teacher != null)
                {
                    Lerp(Vector256.Load(teacher + j), p, take).Store(teacher + j);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Lerp(Vector256<float> from, Vector256<float> to, Vector256<float> share) => Vector256.FusedMultiplyAdd(to - from, share, from);
}
