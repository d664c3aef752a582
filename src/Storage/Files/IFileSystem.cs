namespace Xkd.Storage;

/// <summary>
/// Every step a commit takes on disk, and nothing else. It is a seam: tests stop the protocol at each step and drop what was not yet
/// synced, which is the only way to see that the order of the steps matters.
/// </summary>
internal interface IFileSystem
{
    void CreateDirectory(string path);

    /// <summary>Creates a file for writing; fails when the name is taken.</summary>
    Stream CreateNew(string path);

    /// <summary>The file's content and length are on disk when this returns.</summary>
    void SyncFile(string path);

    /// <summary>The folder's names are on disk when this returns.</summary>
    void SyncDirectory(string path);

    /// <summary>Atomic; replaces <paramref name="to"/>.</summary>
    void Rename(string from, string to);

    /// <summary>Gives a complete file its final name unless that name is taken: the put-if-absent of manifests.</summary>
    /// <returns>false when <paramref name="name"/> exists.</returns>
    bool TryLink(string existing, string name);

    /// <summary>Removes a file; no error when it is gone.</summary>
    void Delete(string path);

    /// <summary>An exclusive advisory lock that ends with its holder's life; null when another holds it.</summary>
    IDisposable? TryLock(string path);
}
