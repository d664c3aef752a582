using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Xkd.Storage;

/// <summary>
/// Shortens data to one block with the same CRC-32C by carry-less multiplication: what lies a block further back counts x^2048 times as
/// much, so a block times that power modulo the polynomial may be added to the next one (Gopal et al., "Fast CRC Computation for Generic
/// Polynomials Using PCLMULQDQ Instruction", Intel 2009). About 28 bytes a cycle where the registers have 512 bits.
/// </summary>
internal static class Crc32CFolding
{
    /// <summary>Bytes of a block.</summary>
    public const int Block = 256;

    /// <summary>Bytes of a processor's cache line, and of its widest register.</summary>
    public const int Line = 64;

    private const uint Polynomial = 0x82f63b78;

    // Of each 16 bytes the first eight count x^64 times as much as the last, and a reflected product comes out one bit short.
    private static readonly ulong First = 2UL * Power((8 * Block) + 32);
    private static readonly ulong Second = 2UL * Power((8 * Block) - 32);
    private static readonly ulong FirstOfLine = 2UL * Power((8 * Line) + 32);
    private static readonly ulong SecondOfLine = 2UL * Power((8 * Line) - 32);

    /// <summary>128-bit multiplication is no better than the processor's own CRC instruction, and is left out.</summary>
    public static bool IsSupported => Pclmulqdq.V512.IsSupported || Pclmulqdq.V256.IsSupported;

    /// <param name="state">What comes before the data.</param>
    /// <param name="data">One or more whole blocks.</param>
    /// <param name="block">Receives <see cref="Block"/> bytes that, from state 0, lead where the data leads from <paramref name="state"/>.</param>
    public static void Fold(uint state, ReadOnlySpan<byte> data, Span<byte> block)
    {
        if (Pclmulqdq.V512.IsSupported)
        {
            Fold512(state, data, block);
        }
        else
        {
            Fold256(state, data, block);
        }
    }

    // Four registers: a product is ready eight cycles later. Never run before it is optimised: a first epoch would be read at a tenth of the speed.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Fold512(uint state, ReadOnlySpan<byte> data, Span<byte> block)
    {
        Require(data, block);
        const int step = 64;
        var factors = Vector512.Create(Vector256.Create(Vector128.Create(First, Second)));
        ref var from = ref MemoryMarshal.GetReference(data);
        var a = Vector512.LoadUnsafe(ref from).AsUInt64() ^ Vector512.CreateScalar((ulong)state);
        var b = Vector512.LoadUnsafe(ref from, step).AsUInt64();
        var c = Vector512.LoadUnsafe(ref from, 2 * step).AsUInt64();
        var d = Vector512.LoadUnsafe(ref from, 3 * step).AsUInt64();
        for (nuint at = Block; at < (nuint)data.Length; at += Block)
        {
            a = Next(a, factors, Vector512.LoadUnsafe(ref from, at).AsUInt64());
            b = Next(b, factors, Vector512.LoadUnsafe(ref from, at + step).AsUInt64());
            c = Next(c, factors, Vector512.LoadUnsafe(ref from, at + (2 * step)).AsUInt64());
            d = Next(d, factors, Vector512.LoadUnsafe(ref from, at + (3 * step)).AsUInt64());
        }

        ref var to = ref MemoryMarshal.GetReference(block);
        a.AsByte().StoreUnsafe(ref to);
        b.AsByte().StoreUnsafe(ref to, step);
        c.AsByte().StoreUnsafe(ref to, 2 * step);
        d.AsByte().StoreUnsafe(ref to, 3 * step);
    }

    /// <summary>
    /// Folds four streams, each into one line, and copies them past the processor's caches: a store fence must follow before others may look
    /// at the copy. Of one stream a processor fetches too little ahead to be busy; four are copied by a fifth faster.
    /// </summary>
    /// <param name="states">What comes before each stream.</param>
    /// <param name="from">One or more whole lines each.</param>
    /// <param name="to">Receive them; multiples of <see cref="Line"/>.</param>
    /// <param name="length">Bytes of each.</param>
    /// <param name="lines">Receives a line each that, from state 0, leads where the stream leads from its own.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static unsafe void Copy512(ReadOnlySpan<uint> states, byte** from, byte** to, nuint length, Span<byte> lines)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lines.Length, 4 * Line, nameof(lines));
        var factors = Vector512.Create(Vector256.Create(Vector128.Create(FirstOfLine, SecondOfLine)));
        byte* from0 = from[0], from1 = from[1], from2 = from[2], from3 = from[3];
        byte* to0 = to[0], to1 = to[1], to2 = to[2], to3 = to[3];
        Vector512<ulong> a = Move(from0, to0) ^ Vector512.CreateScalar((ulong)states[0]), b = Move(from1, to1) ^ Vector512.CreateScalar((ulong)states[1]);
        Vector512<ulong> c = Move(from2, to2) ^ Vector512.CreateScalar((ulong)states[2]), d = Move(from3, to3) ^ Vector512.CreateScalar((ulong)states[3]);
        for (nuint at = Line; at < length; at += Line)
        {
            a = Next(a, factors, Move(from0 + at, to0 + at));
            b = Next(b, factors, Move(from1 + at, to1 + at));
            c = Next(c, factors, Move(from2 + at, to2 + at));
            d = Next(d, factors, Move(from3 + at, to3 + at));
        }

        ref var folded = ref MemoryMarshal.GetReference(lines);
        a.AsByte().StoreUnsafe(ref folded);
        b.AsByte().StoreUnsafe(ref folded, Line);
        c.AsByte().StoreUnsafe(ref folded, 2 * Line);
        d.AsByte().StoreUnsafe(ref folded, 3 * Line);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Fold256(uint state, ReadOnlySpan<byte> data, Span<byte> block)
    {
        Require(data, block);
        const int step = 32;
        var factors = Vector256.Create(Vector128.Create(First, Second));
        ref var from = ref MemoryMarshal.GetReference(data);
        var a = Vector256.LoadUnsafe(ref from).AsUInt64() ^ Vector256.CreateScalar((ulong)state);
        var b = Vector256.LoadUnsafe(ref from, step).AsUInt64();
        var c = Vector256.LoadUnsafe(ref from, 2 * step).AsUInt64();
        var d = Vector256.LoadUnsafe(ref from, 3 * step).AsUInt64();
        var e = Vector256.LoadUnsafe(ref from, 4 * step).AsUInt64();
        var f = Vector256.LoadUnsafe(ref from, 5 * step).AsUInt64();
        var g = Vector256.LoadUnsafe(ref from, 6 * step).AsUInt64();
        var h = Vector256.LoadUnsafe(ref from, 7 * step).AsUInt64();
        for (nuint at = Block; at < (nuint)data.Length; at += Block)
        {
            a = Next(a, factors, ref from, at);
            b = Next(b, factors, ref from, at + step);
            c = Next(c, factors, ref from, at + (2 * step));
            d = Next(d, factors, ref from, at + (3 * step));
            e = Next(e, factors, ref from, at + (4 * step));
            f = Next(f, factors, ref from, at + (5 * step));
            g = Next(g, factors, ref from, at + (6 * step));
            h = Next(h, factors, ref from, at + (7 * step));
        }

        ref var to = ref MemoryMarshal.GetReference(block);
        a.AsByte().StoreUnsafe(ref to);
        b.AsByte().StoreUnsafe(ref to, step);
        c.AsByte().StoreUnsafe(ref to, 2 * step);
        d.AsByte().StoreUnsafe(ref to, 3 * step);
        e.AsByte().StoreUnsafe(ref to, 4 * step);
        f.AsByte().StoreUnsafe(ref to, 5 * step);
        g.AsByte().StoreUnsafe(ref to, 6 * step);
        h.AsByte().StoreUnsafe(ref to, 7 * step);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Next(Vector512<ulong> folded, Vector512<ulong> factors, Vector512<ulong> data) =>
        Pclmulqdq.V512.CarrylessMultiply(folded, factors, 0x00) ^ Pclmulqdq.V512.CarrylessMultiply(folded, factors, 0x11) ^ data;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> Next(Vector256<ulong> folded, Vector256<ulong> factors, ref byte from, nuint at) =>
        Pclmulqdq.V256.CarrylessMultiply(folded, factors, 0x00) ^ Pclmulqdq.V256.CarrylessMultiply(folded, factors, 0x11) ^ Vector256.LoadUnsafe(ref from, at).AsUInt64();

    // The processor's own prefetching ends with each page.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe Vector512<ulong> Move(byte* from, byte* to)
    {
        Sse.Prefetch0(from + 1024);
        var data = Vector512.Load((ulong*)from);
        data.StoreAlignedNonTemporal((ulong*)to);
        return data;
    }

    private static void Require(ReadOnlySpan<byte> data, Span<byte> block)
    {
        ArgumentOutOfRangeException.ThrowIfZero(data.Length, nameof(data));
        ArgumentOutOfRangeException.ThrowIfNotEqual(data.Length % Block, 0, nameof(data));
        ArgumentOutOfRangeException.ThrowIfLessThan(block.Length, Block, nameof(block));
    }

    // x^exponent modulo the polynomial, bits reflected.
    private static uint Power(int exponent)
    {
        var value = 1u << 31;
        for (var i = 0; i < exponent; i++)
        {
            value = (value >> 1) ^ ((value & 1) * Polynomial);
        }

        return value;
    }
}
