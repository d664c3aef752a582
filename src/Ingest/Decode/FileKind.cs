using System.Runtime.InteropServices;

namespace Xkd.Ingest;

/// <summary>Tells files that can be read to their end from pipes, sockets and devices, which may never give one byte: opening a pipe alone can wait for ever.</summary>
internal static partial class FileKind
{
    private const int CurrentFolder = -100; // AT_FDCWD
    private const uint WantType = 1; // STATX_TYPE
    private const int ModeOffset = 28; // struct statx, the same on every architecture
    private const int TypeMask = 0xF000;

    /// <summary>"a named pipe", "a socket", "a device", "a folder"; null for a regular file, and where the system does not say.</summary>
    public static string? Irregular(string path)
    {
        Span<byte> status = stackalloc byte[256];
        if (!OperatingSystem.IsLinux() || Statx(CurrentFolder, path, 0, WantType, ref MemoryMarshal.GetReference(status)) != 0)
        {
            return null;
        }

        return (MemoryMarshal.Read<ushort>(status[ModeOffset..]) & TypeMask) switch
        {
            0x1000 => "a named pipe",
            0xC000 => "a socket",
            0x2000 or 0x6000 => "a device",
            0x4000 => "a folder",
            _ => null,
        };
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int folder, string path, int flags, uint mask, ref byte status);
}
