using System.Runtime.InteropServices;

namespace Xkd.Model.Torch;

/// <summary>Opens a library so that its symbols are global: what is loaded later finds them, which .NET's own loader does not allow.</summary>
internal static partial class GlobalLibrary
{
    private const int Now = 2, Global = 0x100;

    /// <summary>The library's handle; 0 where it does not open, with the linker's reason.</summary>
    public static nint Open(string path, out string reason)
    {
        _ = DlError(); // the first call looks the function up, which would clear the reason that is asked for below
        var library = DlOpen(path, Now | Global);
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
