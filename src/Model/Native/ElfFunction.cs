using System.Text;

namespace Xkd.Model.Native;

/// <summary>
/// Writes a shared library of one function that returns a number: as little of an x86-64 ELF file as the dynamic linker reads. It stands in for a compiler,
/// which a user's machine need not have. Layout: System V ABI, chapters 4 and 5.
/// </summary>
internal static class ElfFunction
{
    private const int FileHeader = 64, ProgramHeader = 56, ProgramHeaders = 4, Symbol = 24, DynamicEntry = 16, Page = 0x1000;
    private const uint Executable = 1, Writable = 2, Readable = 4;

    /// <summary>The library's bytes, the same for the same function.</summary>
    /// <param name="name">The exported function: ASCII, no arguments, returns int.</param>
    /// <param name="value">What it returns.</param>
    public static byte[] Library(string name, int value)
    {
        var names = Encoding.ASCII.GetBytes($"\0{name}\0");
        const int Symbols = FileHeader + (ProgramHeaders * ProgramHeader);
        const int Hash = Symbols + (2 * Symbol);
        const int Names = Hash + 20;
        var code = Align(Names + names.Length);
        var dynamic = Align(code + 6);
        var length = dynamic + (6 * DynamicEntry);

        using var stream = new MemoryStream(length);
        using var library = new BinaryWriter(stream); // little-endian
        library.Write([0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]); // 64-bit, little-endian, version 1, System V
        library.Write((ushort)3);       // a shared object
        library.Write((ushort)62);      // x86-64
        library.Write(1u);
        library.Write(0ul);             // no entry point
        library.Write((ulong)FileHeader);
        library.Write(0ul);             // no section headers: only linkers and debuggers read them
        library.Write(0u);
        library.Write((ushort)FileHeader);
        library.Write((ushort)ProgramHeader);
        library.Write((ushort)ProgramHeaders);
        library.Write((ushort)0);
        library.Write((ushort)0);
        library.Write((ushort)0);

        // The dynamic section is mapped a second time, one page on and writable: the linker of glibc before 2.35 puts addresses into it. Without the last
        // header it would ask for an executable stack.
        Segment(type: 1, Readable | Executable, offset: 0, address: 0, dynamic, Page);
        Segment(type: 1, Readable | Writable, dynamic, Page + dynamic, 6 * DynamicEntry, Page);
        Segment(type: 2, Readable | Writable, dynamic, Page + dynamic, 6 * DynamicEntry, 8);
        Segment(type: 0x6474e551, Readable | Writable, 0, 0, 0, 16);

        library.Write(new byte[Symbol]); // the first symbol is undefined by definition
        library.Write(1u);              // its name's place
        library.Write((byte)0x12);      // global, a function
        library.Write((byte)0);
        library.Write((ushort)1);       // any section, for it is defined
        library.Write((ulong)code);
        library.Write(6ul);

        foreach (var word in (uint[])[1, 2, 1, 0, 0]) // one bucket, two symbols; the bucket begins, and ends, with the function
        {
            library.Write(word);
        }

        library.Write(names);
        stream.Position = code;
        library.Write((byte)0xb8);      // mov eax, value
        library.Write(value);
        library.Write((byte)0xc3);      // ret
        stream.Position = dynamic;
        foreach (var (tag, entry) in ((ulong, int)[])[(4, Hash), (5, Names), (6, Symbols), (10, names.Length), (11, Symbol), (0, 0)])
        {
            library.Write(tag);
            library.Write((ulong)entry);
        }

        return stream.ToArray();

        void Segment(uint type, uint flags, int offset, int address, int size, int alignment)
        {
            library.Write(type);
            library.Write(flags);
            library.Write((ulong)offset);
            library.Write((ulong)address);
            library.Write((ulong)address);
            library.Write((ulong)size);
            library.Write((ulong)size);
            library.Write((ulong)alignment);
        }
    }

    private static int Align(int offset) => (offset + 15) & ~15;
}
