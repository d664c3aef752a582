using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Xkd.Pipeline;

/// <summary>Sixteen frames in a vector of 512 bits; where the processor has none, two of 256 stand for it, at no gain.</summary>
internal unsafe struct Lanes16 : ILanes<Lanes16>
{
    public Vector512<float> Value;

    public static int Count => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 operator +(Lanes16 a, Lanes16 b) => new Lanes16 { Value = a.Value + b.Value };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 operator -(Lanes16 a, Lanes16 b) => new Lanes16 { Value = a.Value - b.Value };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 operator *(Lanes16 a, Lanes16 b) => new Lanes16 { Value = a.Value * b.Value };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 MultiplyAdd(Lanes16 a, Lanes16 b, Lanes16 c) => new Lanes16 { Value = Vector512.FusedMultiplyAdd(a.Value, b.Value, c.Value) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 MultiplySubtract(Lanes16 a, Lanes16 b, Lanes16 c)
    {
        // Not by ?:, whose result waits on the stack even where the condition is a constant.
        if (Avx512F.IsSupported)
        {
            return new Lanes16 { Value = Avx512F.FusedMultiplyAddNegated(a.Value, b.Value, c.Value) };
        }

        return new Lanes16 { Value = Vector512.FusedMultiplyAdd(-a.Value, b.Value, c.Value) };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Split(Lanes16 a, out Lanes16 exponent, out Lanes16 fraction)
    {
        const int RootOfHalf = 0x3F3504F3;
        Vector512<int> bits = a.Value.AsInt32(), powers = (bits - Vector512.Create(RootOfHalf)) >> 23;
        exponent = new Lanes16 { Value = Vector512.ConvertToSingle(powers) };
        fraction = new Lanes16 { Value = (bits - (powers << 23)).AsSingle() };
        return Vector512.EqualsAll(Normal(a), Vector512<uint>.AllBitsSet);
    }

    public static Lanes16 LogOfRest(Lanes16 a, Lanes16 otherwise) =>
        new Lanes16 { Value = Vector512.ConditionalSelect(Normal(a).AsSingle(), otherwise.Value, Vector512.Log(a.Value)) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 All(float value) => new Lanes16 { Value = Vector512.Create(value) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 Load(float* from) => new Lanes16 { Value = Vector512.LoadAligned(from) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 LoadAnywhere(float* from) => new Lanes16 { Value = Vector512.Load(from) };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes16 a, float* to) => a.Value.StoreAligned(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreAnywhere(Lanes16 a, float* to) => a.Value.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 LoadQuads(float* from, nint stride) => Join(
        Vector256.Create(Vector128.Load(from), Vector128.Load(from + 4 * stride)), Vector256.Create(Vector128.Load(from + 8 * stride), Vector128.Load(from + 12 * stride)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 RepeatQuad(float* from)
    {
        if (Avx512F.IsSupported)
        {
            return new Lanes16 { Value = Avx512F.BroadcastVector128ToVector512(from) };
        }

        return new Lanes16 { Value = Vector512.Create(Vector128.Load(from)) };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransposeQuads(ref Lanes16 a, ref Lanes16 b, ref Lanes16 c, ref Lanes16 d)
    {
        if (!Avx512F.IsSupported)
        {
            Lanes8 al = new() { Value = a.Value.GetLower() }, bl = new() { Value = b.Value.GetLower() },
                cl = new() { Value = c.Value.GetLower() }, dl = new() { Value = d.Value.GetLower() };
            Lanes8 ah = new() { Value = a.Value.GetUpper() }, bh = new() { Value = b.Value.GetUpper() },
                ch = new() { Value = c.Value.GetUpper() }, dh = new() { Value = d.Value.GetUpper() };
            Lanes8.TransposeQuads(ref al, ref bl, ref cl, ref dl);
            Lanes8.TransposeQuads(ref ah, ref bh, ref ch, ref dh);
            (a, b, c, d) = (Join(al.Value, ah.Value), Join(bl.Value, bh.Value), Join(cl.Value, ch.Value), Join(dl.Value, dh.Value));
            return;
        }
        Vector512<float> ab = Avx512F.UnpackLow(a.Value, b.Value), cd = Avx512F.UnpackLow(c.Value, d.Value);
        Vector512<float> abUp = Avx512F.UnpackHigh(a.Value, b.Value), cdUp = Avx512F.UnpackHigh(c.Value, d.Value);
        a.Value = Avx512F.Shuffle(ab, cd, 0x44);
        b.Value = Avx512F.Shuffle(ab, cd, 0xEE);
        c.Value = Avx512F.Shuffle(abUp, cdUp, 0x44);
        d.Value = Avx512F.Shuffle(abUp, cdUp, 0xEE);
    }

    // Vector512.Create of two halves sets both in a register of unknown content, which a loop then carries from turn to turn, by way of the stack.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Lanes16 Join(Vector256<float> low, Vector256<float> high) => new Lanes16 { Value = low.ToVector512Unsafe().WithUpper(high) };

    // Less the least normal number, infinity, what lies above it, zero and what is negative are the greatest.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Normal(Lanes16 a) => Vector512.LessThan((a.Value.AsInt32() - Vector512.Create(0x00800000)).AsUInt32(), Vector512.Create(0x7F000000u));
}
