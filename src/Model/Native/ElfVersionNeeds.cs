using System.Buffers.Binary;
using System.Text;

namespace Xkd.Model.Native;

/// <summary>
/// Marks a symbol version an ELF library needs as weak, so that the dynamic linker accepts a library that does not define it.
/// Layout: System V ABI, "Symbol Versioning" (Linux Standard Base Core, chapter 10.7).
/// </summary>
internal static class ElfVersionNeeds
{
    private const uint NeededVersions = 0x6ffffffe; // SHT_GNU_verneed
    private const ushort Weak = 0x2;                // VER_FLG_WEAK

    /// <summary>Marks every need of <paramref name="version"/> weak in place; the number of needs changed.</summary>
    /// <exception cref="InvalidDataException">Not a little-endian 64-bit ELF file, or its tables point outside the file.</exception>
    public static int Weaken(Span<byte> library, string version)
    {
        if (library.Length < 64 || !library[..4].SequenceEqual("\u007fELF"u8) || library[4] != 2 || library[5] != 1)
            throw new InvalidDataException("not a 64-bit little-endian ELF library");

        var hash = Hash(version);
        var sections = Offset(library, 0x28);
        int entrySize = Word16(library, 0x3A), count = Word16(library, 0x3C);
        var changed = 0;
        for (var section = 0; section < count; section++)
        {
            var header = checked(sections + (section * entrySize));
            if (Word32(library, header + 4) == NeededVersions)
                changed += WeakenTable(library, Offset(library, header + 0x18), Word32(library, header + 0x2C), hash);
        }

        return changed;
    }

    private static int WeakenTable(Span<byte> library, int need, uint needs, uint hash)
    {
        var changed = 0;
        for (var i = 0u; i < needs; i++)
        {
            int versions = Word16(library, need + 2);
            var entry = checked(need + (int)Word32(library, need + 8));
            for (var v = 0; v < versions; v++)
            {
                if (Word32(library, entry) == hash)
                {
                    var flags = (ushort)(Word16(library, entry + 4) | Weak);
                    BinaryPrimitives.WriteUInt16LittleEndian(library[(entry + 4)..], flags);
                    changed++;
                }

                // An offset of zero ends a list, whatever the count says: a damaged count must not loop on the last entry.
                var nextEntry = Word32(library, entry + 12);
                if (nextEntry == 0)
                    break;
                entry = checked(entry + (int)nextEntry);
            }

            var next = Word32(library, need + 12);
            if (next == 0)
                break;
            need = checked(need + (int)next);
        }

        return changed;
    }

    // The System V ABI's symbol hash.
    internal static uint Hash(string name)
    {
        uint hash = 0;
        foreach (var character in Encoding.ASCII.GetBytes(name))
        {
            hash = (hash << 4) + character;
            var high = hash & 0xf0000000;
            hash = (hash ^ (high >> 24)) & ~high;
        }

        return hash;
    }

    private static ushort Word16(ReadOnlySpan<byte> library, int at) => BinaryPrimitives.ReadUInt16LittleEndian(Slice(library, at, 2));

    private static uint Word32(ReadOnlySpan<byte> library, int at) => BinaryPrimitives.ReadUInt32LittleEndian(Slice(library, at, 4));

    private static int Offset(ReadOnlySpan<byte> library, int at) => checked((int)BinaryPrimitives.ReadUInt64LittleEndian(Slice(library, at, 8)));

    private static ReadOnlySpan<byte> Slice(ReadOnlySpan<byte> library, int at, int length) => at >= 0 && at <= library.Length - length
        ? library.Slice(at, length)
        : throw new InvalidDataException($"the ELF tables point outside the file (offset {at} of {library.Length} bytes)");
}
