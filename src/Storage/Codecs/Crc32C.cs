using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Xkd.Storage;

/// <summary>
/// CRC-32C (Castagnoli polynomial, reflected, both inversions: as in iSCSI, RFC 3720; "123456789" gives e3069283). Long data is
/// folded (<see cref="Crc32CFolding"/>) where the processor has wide carry-less multiplication. Elsewhere it is walked by the processor's
/// instruction, or a table: that takes 8 bytes but answers three cycles later, so three blocks are walked at once and joined by
/// shifting the first two over what follows them (Gopal et al., "Fast CRC Computation for iSCSI Polynomial", Intel 2011).
/// </summary>
internal static class Crc32C
{
    private const int Block = 2048;
    private const int Foldable = 4 * Crc32CFolding.Block; // folding ends with a walk over one block
    private static readonly uint[] OneBlock = ShiftTable(Block);
    private static readonly uint[] TwoBlocks = ShiftTable(2 * Block);

    public static uint Compute(ReadOnlySpan<byte> data) => ~Step(~0u, data);

    /// <summary>The checksum of what <paramref name="crc"/> covers with <paramref name="data"/> appended; 0 covers nothing.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> data) => ~Step(~crc, data);

    private static uint Step(uint state, ReadOnlySpan<byte> data)
    {
        if (data.Length < Foldable || !Crc32CFolding.IsSupported)
        {
            return Walk(state, data);
        }

        var whole = data.Length - (data.Length % Crc32CFolding.Block);
        Span<byte> folded = stackalloc byte[Crc32CFolding.Block];
        Crc32CFolding.Fold(state, data[..whole], folded);
        return Walk(Walk(0, folded), data[whole..]);
    }

    // Never run before it is optimised: its loops would count every turn of theirs.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static uint Walk(uint state, ReadOnlySpan<byte> data)
    {
        while (data.Length >= 3 * Block)
        {
            var a = MemoryMarshal.Cast<byte, ulong>(data[..Block]);
            var b = MemoryMarshal.Cast<byte, ulong>(data.Slice(Block, Block));
            var c = MemoryMarshal.Cast<byte, ulong>(data.Slice(2 * Block, Block));
            uint second = 0;
            uint third = 0;
            for (var i = 0; i < a.Length && i < b.Length && i < c.Length; i++)
            {
                state = BitOperations.Crc32C(state, a[i]);
                second = BitOperations.Crc32C(second, b[i]);
                third = BitOperations.Crc32C(third, c[i]);
            }

            state = Shift(TwoBlocks, state) ^ Shift(OneBlock, second) ^ third;
            data = data[(3 * Block)..];
        }

        for (; data.Length >= 8; data = data[8..])
        {
            state = BitOperations.Crc32C(state, BinaryPrimitives.ReadUInt64LittleEndian(data));
        }

        foreach (var value in data)
        {
            state = BitOperations.Crc32C(state, value);
        }

        return state;
    }

    private static uint Shift(uint[] table, uint state) =>
        table[state & 255] ^ table[256 + ((state >> 8) & 255)] ^ table[512 + ((state >> 16) & 255)] ^ table[768 + (state >> 24)];

    // Running a state over zero bytes is linear in its bits: 32 columns make the operator, 4 tables of 256 make it quick.
    private static uint[] ShiftTable(int zeros)
    {
        Span<uint> columns = stackalloc uint[32];
        for (var bit = 0; bit < 32; bit++)
        {
            var state = 1u << bit;
            for (var i = 0; i < zeros; i += 8)
            {
                state = BitOperations.Crc32C(state, 0ul);
            }

            columns[bit] = state;
        }

        var table = new uint[4 * 256];
        for (var i = 0; i < table.Length; i++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                table[i] ^= ((i >> bit) & 1) == 1 ? columns[(8 * (i >> 8)) + bit] : 0;
            }
        }

        return table;
    }
}
