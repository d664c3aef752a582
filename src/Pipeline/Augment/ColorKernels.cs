using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Xkd.Pipeline;

/// <summary>
/// Pillow's enhancement blends over planes of bytes: grey·1 + factor·(pixel − grey) in float32, clamped and truncated
/// (<c>ImagingBlend</c>). Multiplication and addition stay apart, as a fused one would round differently.
/// Lengths are rounded up to 32: planes carry that much slack.
/// </summary>
internal static unsafe class ColorKernels
{
    /// <summary>Luma of each pixel: (19595 R + 38470 G + 7471 B + 32768) >> 16.</summary>
    public static void Luma(byte* r, byte* g, byte* b, byte* luma, int pixels)
    {
        var i = 0;
        if (Avx2.IsSupported)
        {
            // 38470 does not fit sixteen bits, so green enters both multiply-adds with half of it.
            Vector256<short> redGreen = Vector256.Create(19595 | (19235 << 16)).AsInt16(), greenBlue = Vector256.Create(19235 | (7471 << 16)).AsInt16();
            var half = Vector256.Create(32768);
            for (; i < pixels; i += 16)
            {
                Vector128<byte> vr = Vector128.Load(r + i), vg = Vector128.Load(g + i), vb = Vector128.Load(b + i);
                Vector256<short> rgLow = Avx2.ConvertToVector256Int16(Sse2.UnpackLow(vr, vg)), rgHigh = Avx2.ConvertToVector256Int16(Sse2.UnpackHigh(vr, vg));
                Vector256<short> gbLow = Avx2.ConvertToVector256Int16(Sse2.UnpackLow(vg, vb)), gbHigh = Avx2.ConvertToVector256Int16(Sse2.UnpackHigh(vg, vb));
                var low = (Avx2.MultiplyAddAdjacent(rgLow, redGreen) + Avx2.MultiplyAddAdjacent(gbLow, greenBlue) + half) >> 16;
                var high = (Avx2.MultiplyAddAdjacent(rgHigh, redGreen) + Avx2.MultiplyAddAdjacent(gbHigh, greenBlue) + half) >> 16;
                var words = Avx2.Permute4x64(Avx2.PackSignedSaturate(low, high).AsInt64(), 0xD8).AsInt16();
                Sse2.PackUnsignedSaturate(words.GetLower(), words.GetUpper()).Store(luma + i);
            }
        }
        for (; i < pixels; i++)
        {
            luma[i] = (byte)((19595 * r[i] + 38470 * g[i] + 7471 * b[i] + 32768) >> 16);
        }
    }

    /// <summary>Sum of bytes.</summary>
    public static long Sum(byte* values, int count)
    {
        long sum = 0;
        var i = 0;
        if (Avx2.IsSupported)
        {
            Vector256<ulong> sums = default;
            for (; i <= count - 32; i += 32)
            {
                sums += Avx2.SumAbsoluteDifferences(Vector256.Load(values + i), Vector256<byte>.Zero).AsUInt64();
            }
            sum = (long)Vector256.Sum(sums);
        }
        for (; i < count; i++)
        {
            sum += values[i];
        }
        return sum;
    }

    /// <summary>Blends a plane towards (or away from) one grey level.</summary>
    public static void BlendLevel(byte* plane, int level, float factor, int count)
    {
        var i = 0;
        if (Avx2.IsSupported)
        {
            var grey = Vector256.Create(level);
            Vector256<float> greyFloat = Vector256.Create((float)level), scale = Vector256.Create(factor);
            for (; i < count; i += 32)
            {
                Vector256<int> a = Blend(plane + i, grey, greyFloat, scale), b = Blend(plane + i + 8, grey, greyFloat, scale);
                Vector256<int> c = Blend(plane + i + 16, grey, greyFloat, scale), d = Blend(plane + i + 24, grey, greyFloat, scale);
                VectorBytes.Pack(a, b, c, d).Store(plane + i);
            }
        }
        for (; i < count; i++)
        {
            plane[i] = Blend(plane[i], level, factor);
        }
    }

    /// <summary>Blends a plane towards (or away from) the luma at each pixel.</summary>
    public static void BlendPlane(byte* plane, byte* luma, float factor, int count)
    {
        var i = 0;
        if (Avx2.IsSupported)
        {
            var scale = Vector256.Create(factor);
            for (; i < count; i += 32)
            {
                Vector256<int> a = Blend(plane + i, luma + i, scale), b = Blend(plane + i + 8, luma + i + 8, scale);
                Vector256<int> c = Blend(plane + i + 16, luma + i + 16, scale), d = Blend(plane + i + 24, luma + i + 24, scale);
                VectorBytes.Pack(a, b, c, d).Store(plane + i);
            }
        }
        for (; i < count; i++)
        {
            plane[i] = Blend(plane[i], luma[i], factor);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Blend(byte* pixels, byte* luma, Vector256<float> factor)
    {
        var grey = VectorBytes.Widen(luma);
        return Blend(pixels, grey, Vector256.ConvertToSingle(grey), factor);
    }

    // Truncation before the clamp is the clamp before truncation: the packing saturates at 0 and 255.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Blend(byte* pixels, Vector256<int> grey, Vector256<float> greyFloat, Vector256<float> factor) =>
        Avx.ConvertToVector256Int32WithTruncation(greyFloat + Vector256.ConvertToSingle(VectorBytes.Widen(pixels) - grey) * factor);

    private static byte Blend(byte pixel, int grey, float factor)
    {
        var scaled = factor * (pixel - grey);
        return (byte)Math.Clamp((int)(grey + scaled), 0, 255);
    }
}
