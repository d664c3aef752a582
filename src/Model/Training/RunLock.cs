using Xkd.Storage;

namespace Xkd.Model.Training;

/// <summary>
/// The right to write a run folder, of one process at a time. It is a lock of the operating system's on <c>run.lock</c>, which ends with its holder, however that ends; the file stays, for one that
/// is removed could be locked twice.
/// </summary>
internal sealed class RunLock(string folder) : IDisposable
{
    public const string FileName = "run.lock";

    private const int WouldBlock = 11; // EAGAIN

    private FileStream? _file;

    public bool IsHeld => _file is not null;

    /// <summary>Takes it, in a folder that there is.</summary>
    /// <exception cref="FailureException">Another process has it.</exception>
    public void Take()
    {
        try
        {
            _file ??= new FileStream(Path.Combine(folder, FileName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1); // flock, exclusive and without waiting
        }
        catch (IOException e) when (e.HResult == WouldBlock)
        {
            throw new FailureException($"{folder} is being trained into by another process; wait for its end and write --resume, or train into another --out", e);
        }
    }

    public void Dispose() => _file?.Dispose();
}
