using System.Runtime.InteropServices;

namespace Xkd.Ingest;

/// <summary>What native code of this process took from malloc and freed.</summary>
internal static partial class FreedMemory
{
    /// <summary>
    /// Gives it back to the system. It stays in the arena of the thread that took it, and a run comes and goes on many threads: in the end each of the arenas, eight for
    /// every core, would keep the most that a thread ever took, which is megabytes where the runtime compiled methods on it.
    /// </summary>
    public static void GiveBack() => _ = Trim(0);

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Trim(nuint kept);
}
