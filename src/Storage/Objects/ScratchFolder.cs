namespace Xkd.Storage;

/// <summary>
/// A folder for files on their way, which goes with its owner. What owners left that were killed is removed by the next one: a living owner holds the
/// lock in its folder, and folders without such a lock file are nobody's here.
/// </summary>
public sealed class ScratchFolder : IDisposable
{
    private const string LockName = "xkd-scratch.lock";
    private readonly FileStream _lock;

    /// <param name="parent">Made when it is absent.</param>
    public ScratchFolder(string parent)
    {
        Directory.CreateDirectory(parent);
        foreach (var folder in Directory.EnumerateDirectories(parent).Where(f => Guid.TryParseExact(System.IO.Path.GetFileName(f), "N", out _)))
        {
            RemoveDead(folder);
        }

        // It has its name only once it is locked: a process that clears up would take it for a dead one's in between.
        Path = System.IO.Path.Combine(parent, $"{Guid.NewGuid():N}");
        var making = Directory.CreateDirectory(Path + ".new").FullName;
        _lock = new FileStream(System.IO.Path.Combine(making, LockName), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1);
        Directory.Move(making, Path);
    }

    public string Path { get; }

    /// <summary>A name nobody has.</summary>
    public string NewFile() => System.IO.Path.Combine(Path, $"{Guid.NewGuid():N}.tmp");

    public void Dispose()
    {
        _lock.Dispose();
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (IOException)
        {
            // The next owner removes it.
        }
    }

    private static void RemoveDead(string folder)
    {
        try
        {
            using (new FileStream(System.IO.Path.Combine(folder, LockName), FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
        catch (IOException)
        {
            // Its owner lives, has not put its lock there yet, or another process removes it at this moment.
        }
    }
}
