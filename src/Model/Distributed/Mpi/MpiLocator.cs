using System.Runtime.InteropServices;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Model.Distributed;

/// <summary>Finds the MPI library that belongs to the launcher: ranks of one flavour started by the other's launcher would each believe to be alone.</summary>
internal sealed partial class MpiLocator
{
    public const string Variable = "XKD_MPI";

    private const int Now = 2, Global = 0x100;

    private static readonly string[] OpenMpiNames = ["libmpi.so.40", "libmpi.so.80", "libmpi.so"];

    // Debian's name, then what MPICH's own build, Intel MPI and MVAPICH call it.
    private static readonly string[] MpichNames = ["libmpich.so.12", "libmpi.so.12", "libmpich.so"];

    /// <summary>Value of an environment variable by name.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;

    /// <summary>Loads the library; its handle, its name, and which of the two interfaces it has.</summary>
    /// <exception cref="UsageException">There is none, or the one named does not load.</exception>
    public (nint Library, string Path, MpiFlavor Flavor) Load(RankLauncher launcher)
    {
        if (Environment(Variable) is { Length: > 0 } chosen)
        {
            nint named = Open(chosen);
            return named != 0
                ? (named, chosen, FlavorOf(named))
                : throw new UsageException($"{Variable}={chosen} does not load ({LastError()}): name a libmpi.so of Open MPI or of MPICH");
        }

        string[] names = launcher == RankLauncher.Pmi ? MpichNames : OpenMpiNames;
        foreach (string name in names)
        {
            if (Open(name) is not 0 and nint library)
            {
                return (library, name, FlavorOf(library));
            }
        }

        (string product, string package) = launcher == RankLauncher.Pmi ? ("MPICH", "libmpich12") : ("Open MPI", "libopenmpi3");
        throw new UsageException(
            $"this process was started as one of several by {product}'s launcher, but none of {string.Join(", ", names)} loads: apt-get install {package}, or name the library in {Variable}");
    }

    /// <summary>Which interface a library has, by what it exports.</summary>
    public static MpiFlavor FlavorOf(nint library) => NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out _) ? MpiFlavor.OpenMpi : MpiFlavor.Mpich;

    // Open MPI loads its transports as plugins that look for its symbols among the global ones, where .NET's own loader would not put them.
    private static nint Open(string path)
    {
        _ = DlError(); // the first call looks the function up, which would clear the reason that is asked for later
        return DlOpen(path, Now | Global);
    }

    private static string LastError() => Marshal.PtrToStringUTF8(DlError()) ?? "no reason given";

    [LibraryImport("libc", EntryPoint = "dlopen", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint DlOpen(string path, int flags);

    [LibraryImport("libc", EntryPoint = "dlerror")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint DlError();
}
