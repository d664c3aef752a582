using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Xkd.Storage;

/// <summary>
/// Tells files from what only has a name like one. Opening a named pipe waits for a writer that may never come, a device may give bytes without end, and
/// a link leads out of the cache: .NET opens all of them as files.
/// </summary>
internal static partial class FileKind
{
    private const int CurrentDirectory = -100; // AT_FDCWD
    private const int OfTheLinkItself = 0x100; // AT_SYMLINK_NOFOLLOW
    private const int ReadPermission = 4; // R_OK
    private const int StatBytes = 256; // sizeof(struct statx), the same on every processor
    private const int ModeOffset = 28; // stx_mode
    private const int TypeMask = 0xF000; // S_IFMT
    private const int Folder = 0x4000, Regular = 0x8000, Link = 0xA000; // S_IFDIR, S_IFREG, S_IFLNK

    /// <summary>What is there instead of a file; null for a file, and for nothing at all.</summary>
    public static string? Other(string path) => Type(path) switch
    {
        null or Regular => null,
        Folder => "a folder",
        Link => LinkTo(path),
        0x1000 => "a named pipe",
        0xC000 => "a socket",
        _ => "a device",
    };

    /// <summary>Where a link leads, in words; null for everything else.</summary>
    public static string? LinkTo(string path) => Type(path) == Link ? $"a link to {new FileInfo(path).LinkTarget}" : null;

    /// <summary>Whether this process may read a file that is there.</summary>
    public static bool MayRead(string path) => Access(path, ReadPermission) == 0;

    private static int? Type(string path)
    {
        Span<byte> stat = stackalloc byte[StatBytes];
        return Stat(CurrentDirectory, path, OfTheLinkItself, 1, stat) == 0 ? BinaryPrimitives.ReadUInt16LittleEndian(stat[ModeOffset..]) & TypeMask : null;
    }

    [LibraryImport("libc", EntryPoint = "access", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Access(string path, int mode);

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Stat(int folder, string path, int flags, uint mask, Span<byte> result);
}
