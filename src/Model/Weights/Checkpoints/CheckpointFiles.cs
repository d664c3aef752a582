using Xkd.Storage;

namespace Xkd.Model.Weights;

/// <summary>The real disk.</summary>
internal sealed class CheckpointFiles : ICheckpointFiles
{
    public void CreateFolder(string path) => Directory.CreateDirectory(path);

    public Stream CreateFile(string path) => new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 20);

    public void Sync(Stream file) => ((FileStream)file).Flush(flushToDisk: true);

    public void SyncFolder(string path) => AtomicFile.SyncFolder(path);

    public void MoveFolder(string from, string to) => Directory.Move(from, to);

    public void DeleteFolder(string path) => Directory.Delete(path, recursive: true);
}

/// <summary>What writing a checkpoint does to the disk, one call per step of the protocol, so that tests can stop it at each of them.</summary>
internal interface ICheckpointFiles
{
    void CreateFolder(string path);

    /// <summary>A new file; <see cref="Sync"/> makes what was written durable.</summary>
    Stream CreateFile(string path);

    void Sync(Stream file);

    void SyncFolder(string path);

    void MoveFolder(string from, string to);

    void DeleteFolder(string path);
}

/// <summary>The disk, or the user's quota of it, is full: what was there before is as it was.</summary>
public sealed class FullDiskException(string message, Exception innerException) : FailureException(message, innerException)
{
    private const int NoSpace = 28, QuotaExceeded = 122; // ENOSPC, EDQUOT: .NET hands the system's number on as it is

    /// <summary>Whether an error of the file system means that there is no room.</summary>
    public static bool IsCause(Exception e) => e is IOException && e.HResult is NoSpace or QuotaExceeded;
}
