using System.Runtime.InteropServices;

namespace Xkd.Model.Torch;

/// <summary>What libtorch takes from malloc for the values of its tensors.</summary>
internal static partial class HostMemory
{
    private const int TrimThreshold = -1, MmapThreshold = -3; // of malloc.h
    private const int MostMmapThreshold = 32 << 20;           // above it malloc refuses

    /// <summary>
    /// Keeps freed memory for the next tensors. By default malloc gives large blocks back to the system at once, and every step of a training takes them anew, page by
    /// page: an eighth of its time (390 instead of 330 ms on an AMD Zen 5). What the user's environment says of malloc holds.
    /// </summary>
    public static void Keep()
    {
        Keep(TrimThreshold, int.MaxValue, "MALLOC_TRIM_THRESHOLD_");
        Keep(MmapThreshold, MostMmapThreshold, "MALLOC_MMAP_THRESHOLD_");
    }

    /// <summary>
    /// Gives freed memory back. It stays in the arena of the thread that took it, and the next run, on another thread, takes its own from the system: run after run the
    /// process would grow.
    /// </summary>
    public static void GiveBack() => _ = Trim(0);

    private static void Keep(int option, int value, string variable)
    {
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(variable)))
        {
            _ = Set(option, value); // 0 where malloc is another one, which has its own rules
        }
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Set(int option, int value);

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Trim(nuint kept);
}
