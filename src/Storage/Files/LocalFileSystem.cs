using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Xkd.Storage;

/// <summary>The local (or POSIX network) file system.</summary>
internal sealed partial class LocalFileSystem : IFileSystem
{
    private const int Exists = 17; // EEXIST
    private const int WouldBlock = 11; // EWOULDBLOCK
    private const int Unbuffered = 0; // a write that fails leaves the position where it was, so that it can be tried again
    private const int ReadOnlyDirectory = 0x10000 | 0x80000; // O_RDONLY | O_DIRECTORY | O_CLOEXEC
    private const int CurrentDirectory = -100; // AT_FDCWD
    private const uint NoReplace = 1; // RENAME_NOREPLACE

    public void CreateDirectory(string path) => Directory.CreateDirectory(path);

    public Stream CreateNew(string path) => new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, Unbuffered);

    public void SyncFile(string path)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 1);
        file.Flush(flushToDisk: true);
    }

    public void SyncDirectory(string path)
    {
        // .NET opens no directories; without this call a rename may be forgotten although the file it named was synced.
        var handle = Open(path, ReadOnlyDirectory);
        if (handle < 0)
        {
            throw Error("open", path);
        }

        try
        {
            if (Fsync(handle) != 0)
            {
                throw Error("fsync", path);
            }
        }
        finally
        {
            _ = Close(handle);
        }
    }

    public void Rename(string from, string to) => File.Move(from, to, overwrite: true);

    public bool TryLink(string existing, string name)
    {
        if (Link(existing, name) == 0)
        {
            File.Delete(existing);
            return true;
        }

        if (Marshal.GetLastPInvokeError() == Exists)
        {
            return false;
        }

        // Some mounts have no hard links; they have the exclusive rename.
        if (RenameAt2(CurrentDirectory, existing, CurrentDirectory, name, NoReplace) == 0)
        {
            return true;
        }

        return Marshal.GetLastPInvokeError() == Exists ? false : throw Error("rename", name);
    }

    public void Delete(string path) => File.Delete(path);

    public IDisposable? TryLock(string path)
    {
        try
        {
            // FileShare.None is flock(LOCK_EX | LOCK_NB) here: the kernel drops it with the process, however that dies.
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
        }
        catch (IOException e) when (e.HResult == WouldBlock)
        {
            return null;
        }
    }

    private static IOException Error(string call, string path)
    {
        var error = Marshal.GetLastPInvokeError();
        return new IOException($"{call} {path}: {new Win32Exception(error).Message}", error);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int handle);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int handle);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string existing, string name);

    [LibraryImport("libc", EntryPoint = "renameat2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenameAt2(int fromFolder, string from, int toFolder, string to, uint flags);
}
