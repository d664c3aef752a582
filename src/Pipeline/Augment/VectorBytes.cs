using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Xkd.Pipeline;

/// <summary>Bytes to eight 32-bit lanes and back. Callers have checked for AVX2.</summary>
internal static unsafe class VectorBytes
{
    /// <summary>Eight bytes as integers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Widen(byte* values) => Avx2.ConvertToVector256Int32(values);

    /// <summary>32 integers as bytes in order, clamped to 0 … 255 (from within the 16-bit range).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Pack(Vector256<int> a, Vector256<int> b, Vector256<int> c, Vector256<int> d)
    {
        // Packing works within 128-bit halves and leaves dwords in the order 0 4 1 5 2 6 3 7 of what is wanted.
        var mixed = Avx2.PackUnsignedSaturate(Avx2.PackSignedSaturate(a, b), Avx2.PackSignedSaturate(c, d));
        return Avx2.PermuteVar8x32(mixed.AsInt32(), Vector256.Create(0, 4, 1, 5, 2, 6, 3, 7)).AsByte();
    }

    /// <summary>Stores eight integers in 0 … 255 as bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store8(Vector256<int> values, byte* to)
    {
        var words = Sse2.PackSignedSaturate(values.GetLower(), values.GetUpper());
        Sse2.PackUnsignedSaturate(words, words).GetLower().Store(to);
    }
}
