using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Xkd.Storage;

namespace Xkd.Model.Torch;

/// <summary>
/// MKL asks who made the processor before it asks what it can do, and takes a slow path on all but Intel's: 64 instead of 85 GFLOP/s on a core of an AMD
/// Zen 3, 105 instead of 232 on one of Zen 5. The question is an exported function of libtorch_cpu.so, called through its symbol table: a global symbol of
/// that name answers first. MKL still chooses by CPUID what the processor can execute.
/// </summary>
/// <remarks>The processor decides, not a measurement at each start: the same machine must always compute the same bits. <c>xkd doctor</c> measures.</remarks>
internal sealed partial class MklVendorCheck
{
    public const string Function = "mkl_serv_intel_cpu_true";

    private const string Detection = "mkl_serv_cpu_detect";
    private const uint CloseOnExec = 1;

    /// <summary>Value of an environment variable by name.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;

    /// <summary>The vendor as CPUID spells it; empty on other than x86 processors.</summary>
    public string Vendor { get; init; } = VendorOfThisProcessor();

    /// <summary>AVX2 and FMA, what the fast path needs least.</summary>
    public bool HasVectors { get; init; } = Avx2.IsSupported && Fma.IsSupported;

    /// <summary>Whether to answer for the processor, and why or why not.</summary>
    /// <exception cref="UsageException">The variable is none of its values.</exception>
    public (bool Answer, string Reason) Choose()
    {
        var setting = Environment(MklPath.Variable);
        if (setting is not (null or "" or "auto" or "off"))
        {
            throw new UsageException($"{MklPath.Variable}={setting}: write auto (the default) or off");
        }

        return (Vendor, HasVectors) switch
        {
            ("GenuineIntel", _) => (false, "an Intel processor"),
            ("AuthenticAMD" or "HygonGenuine", true) when setting == "off" => (false, $"{MklPath.Variable}=off"),
            ("AuthenticAMD" or "HygonGenuine", true) => (true, "an AMD processor with AVX2, for which MKL's vendor check is answered"),
            ("AuthenticAMD" or "HygonGenuine", false) => (false, "an AMD processor without AVX2"),
            _ => (false, $"nothing is known of processors by '{Vendor}'"),
        };
    }

    /// <summary>Answers, where that is chosen; call it before libtorch is loaded, then <see cref="Found"/>.</summary>
    /// <returns>What was chosen and why, or what prevented it.</returns>
    public (bool Answered, string Reason) Answer()
    {
        var (answer, reason) = Choose();
        return answer && Open(ElfFunction.Library(Function, 1)) is { } failure
            ? (false, $"its vendor check cannot be answered here: {failure}")
            : (answer, reason);
    }

    /// <summary>The path MKL took, by its own word; null where this libtorch has no MKL within.</summary>
    /// <param name="cpu">Handle of libtorch_cpu.so.</param>
    /// <param name="chosen">Of <see cref="Answer"/>.</param>
    public static unsafe MklPath? Found(nint cpu, (bool Answered, string Reason) chosen)
    {
        if (!NativeLibrary.TryGetExport(cpu, Detection, out var detect))
        {
            return null;
        }

        var fast = ((delegate* unmanaged<int>)detect)() > 0; // 0 is the path for any processor
        return new MklPath(fast, chosen.Reason, chosen.Answered ? "off" : chosen.Reason == $"{MklPath.Variable}=off" ? "auto" : null);
    }

    /// <summary>Opens a library from memory, its symbols global; null, or why it does not open.</summary>
    internal static string? Open(ReadOnlySpan<byte> library)
    {
        var file = MemoryFile("xkd-mkl", CloseOnExec);
        if (file < 0)
        {
            return $"no file in memory, error {Marshal.GetLastPInvokeError()}";
        }

        // The file of an open library is not closed: the linker knows libraries by their paths, and would take another file of the same number for this one.
        using var written = new SafeFileHandle(file, ownsHandle: false);
        RandomAccess.Write(written, library, 0);
        if (GlobalLibrary.Open($"/proc/self/fd/{file}", out var reason) != 0)
        {
            return null;
        }

        using var closed = new SafeFileHandle(file, ownsHandle: true);
        return reason;
    }

    private static string VendorOfThisProcessor()
    {
        if (!X86Base.IsSupported)
        {
            return "";
        }

        var (_, b, c, d) = X86Base.CpuId(0, 0);
        Span<byte> name = stackalloc byte[12];
        MemoryMarshal.Write(name, b);
        MemoryMarshal.Write(name[4..], d);
        MemoryMarshal.Write(name[8..], c);
        return Encoding.ASCII.GetString(name);
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int MemoryFile(string name, uint flags);
}

/// <summary>Which of its code paths MKL, libtorch's matrix library, takes on this processor.</summary>
/// <param name="Fast">The one for the processor's vector instructions; otherwise the general one, which has about half of its speed.</param>
/// <param name="Reason">Why it is this one.</param>
/// <param name="Other">The value of <see cref="Variable"/> that gives the other one; null where there is no choice.</param>
public sealed record MklPath(bool Fast, string Reason, string? Other)
{
    /// <summary>The environment variable that chooses: <c>auto</c>, the default, or <c>off</c>, which leaves MKL to itself.</summary>
    public const string Variable = "XKD_MKL";

    /// <summary>"fast" or "general": a run begun on the one and continued on the other differs in the last bits.</summary>
    public string Name => Fast ? "fast" : "general";
}

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
