using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text;
using Xkd.Storage;

namespace Xkd.Model.Native;

/// <summary>
/// MKL asks who made the processor before it asks what it can do, and takes a slow path on all but Intel's: 64 instead of 85 GFLOP/s on a core of an AMD Zen 3,
/// 105 instead of 232 on one of Zen 5. The question is an exported function of libtorch_cpu.so, called through its symbol table; a library of that name among the
/// global ones answers first. Behind it MKL still chooses by CPUID what the processor can execute.
/// </summary>
/// <remarks>The processor decides, not a measurement at each start: the same machine must always compute the same bits. <c>xkd doctor</c> measures both.</remarks>
internal sealed partial class MklVendorCheck
{
    public const string Function = "mkl_serv_intel_cpu_true";

    private const string Detection = "mkl_serv_cpu_detect";
    private const int Now = 2, Global = 0x100;

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
            throw new UsageException($"{MklPath.Variable}={setting}: write auto (the default) or off");

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
        return answer && Open(ElfFunction.Library(Function, 1)) is { } failure ? (false, $"its vendor check cannot be answered here: {failure}") : (answer, reason);
    }

    /// <summary>The path MKL took, by its own word; null where this libtorch has no MKL within.</summary>
    /// <param name="cpu">Handle of libtorch_cpu.so.</param>
    /// <param name="chosen">Of <see cref="Answer"/>.</param>
    public static unsafe MklPath? Found(nint cpu, (bool Answered, string Reason) chosen)
    {
        if (!NativeLibrary.TryGetExport(cpu, Detection, out var detect))
            return null;

        var fast = ((delegate* unmanaged<int>)detect)() > 0; // 0 is the path for any processor
        return new MklPath(fast, chosen.Reason, chosen.Answered ? "off" : chosen.Reason == $"{MklPath.Variable}=off" ? "auto" : null);
    }

    /// <summary>Opens a library from memory, its symbols global; null, or why it does not open.</summary>
    internal static string? Open(ReadOnlySpan<byte> library)
    {
        _ = DlError(); // the first call looks the function up, which would clear the reason that is asked for later
        var file = MemoryFile("xkd-mkl", 0);
        if (file < 0)
            return $"no file in memory, error {Marshal.GetLastPInvokeError()}";

        using var handle = new Microsoft.Win32.SafeHandles.SafeFileHandle(file, ownsHandle: true);
        RandomAccess.Write(handle, library, 0);
        return DlOpen($"/proc/self/fd/{file}", Now | Global) == 0 ? Marshal.PtrToStringUTF8(DlError()) ?? "no reason given" : null;
    }

    private static string VendorOfThisProcessor()
    {
        if (!X86Base.IsSupported)
            return "";

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

    [LibraryImport("libc", EntryPoint = "dlopen", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint DlOpen(string path, int flags);

    [LibraryImport("libc", EntryPoint = "dlerror")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint DlError();
}
