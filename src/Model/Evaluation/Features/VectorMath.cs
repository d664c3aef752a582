using System.Numerics;
using System.Runtime.InteropServices;

namespace Xkd.Model.Evaluation;

/// <summary>Dot products and norms in the machine's vector width, for spans of any length.</summary>
internal static class VectorMath
{
    public static T Dot<T>(ReadOnlySpan<T> x, ReadOnlySpan<T> y)
        where T : struct, INumber<T>
    {
        ReadOnlySpan<Vector<T>> a = MemoryMarshal.Cast<T, Vector<T>>(x), b = MemoryMarshal.Cast<T, Vector<T>>(y);
        Vector<T> even = default, odd = default;
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
        for (i = a.Length * Vector<T>.Count; i < x.Length; i++)
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
            double squares = 0;
            foreach (var value in rows.Slice(start, dim))
            {
                squares += (double)value * value;
            }

            var scale = 1 / Math.Max(Math.Sqrt(squares), 1e-12);
            foreach (ref var value in rows.Slice(start, dim))
            {
                value = (float)(value * scale);
            }
        }
    }
}

/// <summary>A small seeded generator (Steele, Lea and Flood 2014) whose sequence is fixed for good, unlike that of <see cref="Random"/>.</summary>
internal struct SplitMix64(ulong seed)
{
    private ulong _state = seed;

    public ulong Next()
    {
        var z = _state = unchecked(_state + 0x9E3779B97F4A7C15UL);
        z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL);
        z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EBUL);
        return z ^ (z >> 31);
    }

    /// <summary>Uniform in [0, 1), 53 bits.</summary>
    public double NextDouble() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in 0 … bound − 1.</summary>
    public int Next(int bound) => (int)Math.BigMul(Next(), (ulong)bound, out _);

    public double NextNormal() => Math.Sqrt(-2 * Math.Log(1 - NextDouble())) * Math.Cos(2 * Math.PI * NextDouble());

    public void Shuffle<T>(Span<T> items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var j = Next(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }
}
