using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;

namespace Xkd.Ingest;

/// <summary>Lists one folder by the system's own calls: .NET replaces the bytes of a name that are not UTF-8, and two names may become one that is no file's.</summary>
internal static unsafe partial class FolderEntries
{
    private const int CurrentFolder = -100; // AT_FDCWD
    private const int Link = 0x100; // AT_SYMLINK_NOFOLLOW: the link itself, not what it leads to
    private const uint WantTypeAndNumber = 0x101; // STATX_TYPE, STATX_INO
    private const int NoEntry = 2; // ENOENT
    private const int NotAFolder = 20; // ENOTDIR
    private const int LinkLoop = 40; // ELOOP

    // struct dirent and struct statx are the same with glibc and musl.
    private const int DirentType = 18;
    private const int DirentName = 19;
    private const int StatxMode = 28;
    private const int StatxNumber = 32;
    private const int StatxDevice = 136;

    /// <summary>What is in a folder, in no particular order, but for names that begin with a dot.</summary>
    /// <exception cref="IOException">It cannot be listed.</exception>
    public static List<FolderEntry> Read(ReadOnlySpan<byte> folder, CancellationToken cancellationToken)
    {
        var handle = OpenFolder(Terminated(folder, default));
        if (handle == 0)
        {
            throw Error();
        }

        try
        {
            var entries = new List<FolderEntry>();
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var entry = (byte*)ReadFolder(handle);
                if (entry is null)
                {
                    return Marshal.GetLastPInvokeError() == 0 ? entries : throw Error();
                }

                var name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(entry + DirentName);
                if (name[0] != '.')
                {
                    entries.Add(Entry(folder, name, entry[DirentType]));
                }
            }
        }
        finally
        {
            _ = CloseFolder(handle);
        }
    }

    /// <summary>Which folder a path leads to, links followed: two paths of one folder give the same.</summary>
    /// <exception cref="IOException">It cannot be looked at.</exception>
    public static FolderNumber NumberOf(ReadOnlySpan<byte> folder) => Status(Terminated(folder, default), follow: true) is { } status ? status.Number : throw Error();

    private static FolderEntry Entry(ReadOnlySpan<byte> folder, ReadOnlySpan<byte> name, byte type)
    {
        const byte unknown = 0, folderType = 4, linkType = 10;
        var valid = Utf8.IsValid(name);
        var entry = new FolderEntry(valid ? Encoding.UTF8.GetString(name) : Escaped(name)) { Bytes = valid ? null : name.ToArray() };
        if (type is not (unknown or folderType or linkType))
        {
            return entry;
        }

        var path = Terminated(folder, name);
        var isLink = type == linkType || (type == unknown && Status(path, follow: false) is { IsLink: true });
        if (Status(path, follow: true) is not { } status)
        {
            return entry with { LeadsNowhere = isLink && Marshal.GetLastPInvokeError() is NoEntry or NotAFolder or LinkLoop };
        }

        return status.IsFolder ? entry with { Folder = status.Number, IsLink = isLink } : entry;
    }

    private static string Escaped(ReadOnlySpan<byte> name)
    {
        var text = new StringBuilder();
        while (!name.IsEmpty)
        {
            var valid = Rune.DecodeFromUtf8(name, out var rune, out var length) == OperationStatus.Done;
            _ = valid ? text.Append(rune.ToString()) : text.Append($@"\x{name[0]:X2}");
            name = name[(valid ? length : 1)..];
        }

        return text.ToString();
    }

    private static byte[] Terminated(ReadOnlySpan<byte> folder, ReadOnlySpan<byte> name) => name.IsEmpty ? [.. folder, 0] : [.. folder, (byte)'/', .. name, 0];

    private static FileStatus? Status(byte[] path, bool follow)
    {
        Span<byte> status = stackalloc byte[256];
        if (Statx(CurrentFolder, path, follow ? 0 : Link, WantTypeAndNumber, ref MemoryMarshal.GetReference(status)) != 0)
        {
            return null;
        }

        var type = MemoryMarshal.Read<ushort>(status[StatxMode..]) & 0xF000;
        return new FileStatus(type == 0x4000, type == 0xA000, new FolderNumber(MemoryMarshal.Read<ulong>(status[StatxDevice..]), MemoryMarshal.Read<ulong>(status[StatxNumber..])));
    }

    private static IOException Error() => new(Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError()));

    [LibraryImport("libc", EntryPoint = "opendir", SetLastError = true)]
    private static partial nint OpenFolder(byte[] path);

    [LibraryImport("libc", EntryPoint = "readdir", SetLastError = true)]
    private static partial nint ReadFolder(nint folder);

    [LibraryImport("libc", EntryPoint = "closedir")]
    private static partial int CloseFolder(nint folder);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static partial int Statx(int folder, byte[] path, int flags, uint mask, ref byte status);

    private readonly record struct FileStatus(bool IsFolder, bool IsLink, FolderNumber Number);
}
