namespace Xkd.Storage;

/// <summary>
/// Where a cache lies, and every step a commit takes there. Names are those of <see cref="CacheLayout"/>. What a call has put in place is complete
/// and stays when it returns; whoever reads never sees half of it. Failures are <see cref="IOException"/> of a disk, and <see cref="XkdException"/>
/// of an object store.
/// </summary>
internal interface ICacheStore : IDisposable
{
    /// <summary>The absolute folder, or <c>s3://bucket/prefix</c>.</summary>
    string Location { get; }

    /// <summary>How many small reads are worth having under way at once.</summary>
    int Parallelism { get; }

    /// <summary>How long a lock whose holder died may still look held.</summary>
    TimeSpan LockPatience { get; }

    /// <summary>What tells this writer's shards and ledger from those of another writer of the same part; empty where locks are certain.</summary>
    string WriterMark { get; }

    /// <summary>Why there is no version to read here, and what to do, for a person.</summary>
    string Absence();

    /// <summary>Looks whether the place is a cache or may become one.</summary>
    /// <exception cref="UsageException">It holds something else.</exception>
    void RequirePlace()
    {
    }

    /// <summary>Makes the place a cache, if it is none yet.</summary>
    /// <exception cref="UsageException">It holds something else.</exception>
    void Prepare();

    /// <summary>The files of a folder, and what lies beside them without being one; nothing of what is below it, and none when there is no such folder.</summary>
    IReadOnlyList<StoredFile> List(string folder);

    /// <summary>A file's first bytes; null when there is none.</summary>
    byte[]? TryRead(string name, long most = long.MaxValue);

    /// <summary>A file's bytes from front to back; null when there is none.</summary>
    Stream? TryOpen(string name);

    /// <summary>A whole file by path.</summary>
    LocalCopy Fetch(string name);

    /// <summary>The shards of a manifest for reading.</summary>
    IShardBytes OpenShards(Manifest manifest);

    /// <summary>Looks whether a file that is there may be read, without opening it; object stores are asked when they are read.</summary>
    /// <exception cref="UnreadableFileException">It may not.</exception>
    void RequireReadable(string name)
    {
    }

    /// <summary>Puts a file in place unless the name is taken.</summary>
    /// <returns>false when it is.</returns>
    bool TryPut(string name, byte[] content, string part);

    /// <summary>Puts a file in place of what has the name.</summary>
    void Replace(string name, string part, Action<Stream> write);

    /// <summary>Begins a file that is to be read back before it gets its name.</summary>
    StagedFile Stage(string name, string part);

    /// <summary>Gives a staged file, whose stream is closed, its name.</summary>
    void Publish(StagedFile staged, string name);

    /// <summary>Removes a file; no error when it is gone.</summary>
    void Delete(string name);

    /// <summary>The right to write a part, which ends with its holder's life; null when another has it.</summary>
    IPartLock? TryLock(string part);

    /// <summary>Why a part cannot be had that is still held after <see cref="LockPatience"/>, and what to do.</summary>
    string Refusal(string part);
}
