using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Xkd.Pipeline;

/// <summary>Eight frames in a vector of 256 bits.</summary>
internal unsafe struct Lanes8 : ILanes<Lanes8>
{
    public Vector256<float> Value;

    public static int Count => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 operator +(Lanes8 a, Lanes8 b) => new Lanes8 { Value = a.Value + b.Value };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 operator -(Lanes8 a, Lanes8 b) => new Lanes8 { Value = a.Value - b.Value };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 operator *(Lanes8 a, Lanes8 b) => new Lanes8 { Value = a.Value * b.Value };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 MultiplyAdd(Lanes8 a, Lanes8 b, Lanes8 c) => new Lanes8 { Value = Vector256.FusedMultiplyAdd(a.Value, b.Value, c.Value) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 MultiplySubtract(Lanes8 a, Lanes8 b, Lanes8 c)
    {
        // Not by ?:, whose result waits on the stack even where the condition is a constant.
        if (Fma.IsSupported)
        {
            return new Lanes8 { Value = Fma.MultiplyAddNegated(a.Value, b.Value, c.Value) };
        }

        return new Lanes8 { Value = Vector256.FusedMultiplyAdd(-a.Value, b.Value, c.Value) };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Split(Lanes8 a, out Lanes8 exponent, out Lanes8 fraction)
    {
        const int RootOfHalf = 0x3F3504F3;
        Vector256<int> bits = a.Value.AsInt32(), powers = (bits - Vector256.Create(RootOfHalf)) >> 23;
        exponent = new Lanes8 { Value = Vector256.ConvertToSingle(powers) };
        fraction = new Lanes8 { Value = (bits - (powers << 23)).AsSingle() };
        return Vector256.EqualsAll(Normal(a), Vector256<uint>.AllBitsSet);
    }

    public static Lanes8 LogOfRest(Lanes8 a, Lanes8 otherwise) =>
        new Lanes8 { Value = Vector256.ConditionalSelect(Normal(a).AsSingle(), otherwise.Value, Vector256.Log(a.Value)) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 All(float value) => new Lanes8 { Value = Vector256.Create(value) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 Load(float* from) => new Lanes8 { Value = Vector256.LoadAligned(from) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 LoadAnywhere(float* from) => new Lanes8 { Value = Vector256.Load(from) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes8 a, float* to) => a.Value.StoreAligned(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreAnywhere(Lanes8 a, float* to) => a.Value.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 LoadQuads(float* from, nint stride) =>
        new Lanes8 { Value = Vector256.Create(Vector128.Load(from), Vector128.Load(from + 4 * stride)) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 RepeatQuad(float* from)
    {
        if (Avx.IsSupported)
        {
            return new Lanes8 { Value = Avx.BroadcastVector128ToVector256(from) };
        }

        return new Lanes8 { Value = Vector256.Create(Vector128.Load(from)) };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransposeQuads(ref Lanes8 a, ref Lanes8 b, ref Lanes8 c, ref Lanes8 d)
    {
        if (!Avx.IsSupported)
        {
            Vector128<float> al = a.Value.GetLower(), bl = b.Value.GetLower(), cl = c.Value.GetLower(), dl = d.Value.GetLower();
            Vector128<float> ah = a.Value.GetUpper(), bh = b.Value.GetUpper(), ch = c.Value.GetUpper(), dh = d.Value.GetUpper();
            Quads(ref al, ref bl, ref cl, ref dl);
            Quads(ref ah, ref bh, ref ch, ref dh);
            (a.Value, b.Value, c.Value, d.Value) = (Vector256.Create(al, ah), Vector256.Create(bl, bh), Vector256.Create(cl, ch), Vector256.Create(dl, dh));
            return;
        }
        Vector256<float> ab = Avx.UnpackLow(a.Value, b.Value), cd = Avx.UnpackLow(c.Value, d.Value);
        Vector256<float> abUp = Avx.UnpackHigh(a.Value, b.Value), cdUp = Avx.UnpackHigh(c.Value, d.Value);
        a.Value = Avx.Shuffle(ab, cd, 0x44);
        b.Value = Avx.Shuffle(ab, cd, 0xEE);
        c.Value = Avx.Shuffle(abUp, cdUp, 0x44);
        d.Value = Avx.Shuffle(abUp, cdUp, 0xEE);
    }

    private static void Quads(ref Vector128<float> a, ref Vector128<float> b, ref Vector128<float> c, ref Vector128<float> d)
    {
        Vector128<float> ab = Sse.UnpackLow(a, b), cd = Sse.UnpackLow(c, d), abUp = Sse.UnpackHigh(a, b), cdUp = Sse.UnpackHigh(c, d);
        (a, b, c, d) = (Sse.Shuffle(ab, cd, 0x44), Sse.Shuffle(ab, cd, 0xEE), Sse.Shuffle(abUp, cdUp, 0x44), Sse.Shuffle(abUp, cdUp, 0xEE));
    }

    // Less the least normal number, infinity, what lies above it, zero and what is negative are the greatest.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Normal(Lanes8 a) => Vector256.LessThan((a.Value.AsInt32() - Vector256.Create(0x00800000)).AsUInt32(), Vector256.Create(0x7F000000u));
}
