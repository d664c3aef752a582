using System.Runtime.InteropServices;

namespace Xkd.Model.Torch;

/// <summary>Opens a library in ways that .NET's own loader does not allow.</summary>
internal static partial class GlobalLibrary
{
    private const int Lazy = 1, Now = 2, Global = 0x100;

    /// <summary>Opens it so that its symbols are global: what is loaded later finds them.</summary>
    /// <returns>The library's handle; 0 where it does not open, with the linker's reason.</returns>
    public static nint Open(string path, out string reason) => Open(path, Now | Global, out reason);

    /// <summary>Opens it with symbols of its own.</summary>
    /// <param name="path">The file.</param>
    /// <param name="complete">
    /// True to look for every function it calls before any of its code runs; a missing one is then the reason. False to look for each at its first call, as
    /// .NET does; a missing one then ends the process.
    /// </param>
    /// <param name="reason">The linker's, where it does not open.</param>
    /// <returns>The library's handle; 0 where it does not open.</returns>
    public static nint OpenLocal(string path, bool complete, out string reason) => Open(path, complete ? Now : Lazy, out reason);

    private static nint Open(string path, int flags, out string reason)
    {
        _ = DlError(); // the first call looks the function up, which would clear the reason that is asked for below
        var library = DlOpen(path, flags);
        reason = library != 0 ? "" : Marshal.PtrToStringUTF8(DlError()) ?? "no reason given";
        return library;
    }

    [LibraryImport("libc", EntryPoint = "dlopen", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint DlOpen(string path, int flags);

    [LibraryImport("libc", EntryPoint = "dlerror")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint DlError();
}
