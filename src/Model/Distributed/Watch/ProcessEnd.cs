using System.Runtime.InteropServices;

namespace Xkd.Model.Distributed;

/// <summary>Ends this process while other threads are blocked in native calls.</summary>
internal static partial class ProcessEnd
{
    /// <summary>
    /// Says why on standard error and ends at once: the ordinary way out would run the exit handlers of MPI and libtorch, which may wait for the very
    /// calls that hang. What is written to a run is safe against it, as against a power cut.
    /// </summary>
    public static void Now(int exitCode, string cause)
    {
        try
        {
            Console.Error.WriteLine($"xkd: {cause}");
            Console.Error.Flush();
        }
        catch (IOException)
        {
            // Nobody reads any more; the exit code remains.
        }

        Exit(exitCode);
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial void Exit(int code);
}
