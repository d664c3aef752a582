using Microsoft.Win32.SafeHandles;

namespace Xkd.Storage;

/// <summary>A cache in a folder of the local (or a POSIX network) file system.</summary>
internal sealed class LocalStore(string root, IFileSystem files) : ICacheStore
{
    private readonly string _root = Path.GetFullPath(root);

    public string Location => _root;

    public int Parallelism => Environment.ProcessorCount;

    // The kernel drops a lock with its holder; a writer that clears up after a dead one holds that one's for a moment.
    public TimeSpan LockPatience => TimeSpan.FromSeconds(2);

    public string WriterMark => "";

    public string Absence() => this switch
    {
        _ when !Directory.Exists(_root) => $"there is no folder {_root}: make a cache with xkd ingest --out {_root}",
        _ when !Directory.Exists(At(CacheLayout.Manifests)) => $"{_root} is not a cache (no manifest folder): name the folder given to xkd ingest --out",
        _ => $"nothing is committed in {_root} yet: let xkd ingest --out {_root} finish, or run it again",
    };

    public void RequirePlace()
    {
        if (File.Exists(_root))
        {
            throw new UsageException($"{_root} is a file: name a folder for the cache");
        }

        // In this order: what another process that begins the same cache makes between the two looks is a folder of a cache.
        var holds = Directory.Exists(_root) && Directory.EnumerateFileSystemEntries(_root).Any();
        if (holds && !CacheLayout.Folders.Any(f => Directory.Exists(At(f))))
        {
            throw new UsageException($"{_root} holds other things and no cache: name an empty or absent folder");
        }
    }

    public void Prepare()
    {
        RequirePlace();
        foreach (var folder in CacheLayout.Folders.Select(Folder).Where(f => !Directory.Exists(f)))
        {
            files.CreateDirectory(folder);
        }

        files.SyncDirectory(_root);
        if (Path.GetDirectoryName(_root) is { } parent)
        {
            files.SyncDirectory(parent);
        }
    }

    public IReadOnlyList<StoredFile> List(string folder)
    {
        RequireNoLink(folder);
        DirectoryInfo at = new(Folder(folder));
        List<StoredFile> found = [];
        var entries = !at.Exists ? [] : folder == CacheLayout.Top ? at.EnumerateFiles() : at.EnumerateFileSystemInfos();
        foreach (var entry in entries)
        {
            try
            {
                found.Add(new StoredFile(folder + entry.Name, entry is FileInfo file ? file.Length : 0, FileKind.Other(entry.FullName)));
            }
            catch (FileNotFoundException)
            {
                // Another writer's temporary file, which has its final name by now.
            }
        }

        return found;
    }

    public byte[]? TryRead(string name, long most = long.MaxValue)
    {
        using var file = TryOpenFile(name);
        if (file is null)
        {
            return null;
        }

        var length = Math.Min(most, file.Length);
        var bytes = length <= Array.MaxLength
            ? new byte[length]
            : throw new CorruptCacheException(name, null, "file", $"at most {Array.MaxLength} bytes", $"{length}");
        var read = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return read == bytes.Length ? bytes : bytes[..read];
    }

    public void RequireReadable(string name)
    {
        if (!FileKind.MayRead(At(name)))
        {
            throw new UnreadableFileException(name, Location, "permission denied", new UnauthorizedAccessException());
        }
    }

    public Stream? TryOpen(string name) => TryOpenFile(name);

    public LocalCopy Fetch(string name)
    {
        TryOpenHandle(name)?.Dispose(); // only to see that it can be opened
        return new LocalCopy(At(name), temporary: false);
    }

    public IShardBytes OpenShards(Manifest manifest) => new ShardHandles(manifest, name => TryOpenHandle(name, FileOptions.RandomAccess));

    public bool TryPut(string name, byte[] content, string part)
    {
        var path = At(name);
        var temporary = Write(path, part, file => file.Write(content));
        if (!files.TryLink(temporary, path))
        {
            files.Delete(temporary);
            return false;
        }

        files.SyncDirectory(Path.GetDirectoryName(path)!);
        return true;
    }

    public void Replace(string name, string part, Action<Stream> write)
    {
        var path = At(name);
        files.Rename(Write(path, part, write), path);
        files.SyncDirectory(Path.GetDirectoryName(path)!);
    }

    public StagedFile Stage(string name, string part)
    {
        var temporary = CacheLayout.Temporary(At(name), part);
        return new StagedFile(temporary, files.CreateNew(temporary));
    }

    public void Publish(StagedFile staged, string name)
    {
        files.SyncFile(staged.Path);
        files.Rename(staged.Path, At(name));
        files.SyncDirectory(Path.GetDirectoryName(At(name))!);
    }

    public void Delete(string name) => files.Delete(At(name));

    public IPartLock? TryLock(string part) => files.TryLock(At(CacheLayout.Lock(part))) is { } held ? new Held(held) : null;

    public string Refusal(string part) => $"part {part} of cache {Location} is being written by another process: wait for it, or give this one another part";

    public void Dispose()
    {
        // Nothing is kept open.
    }

    private string Write(string path, string part, Action<Stream> write)
    {
        var temporary = CacheLayout.Temporary(path, part);
        files.Delete(temporary);
        using (var file = files.CreateNew(temporary))
        {
            write(file);
        }

        files.SyncFile(temporary);
        return temporary;
    }

    private FileStream? TryOpenFile(string name) => TryOpenHandle(name) is { } handle ? new FileStream(handle, FileAccess.Read, 1) : null;

    // Every file of the cache that is read is opened here.
    private SafeFileHandle? TryOpenHandle(string name, FileOptions options = FileOptions.None)
    {
        RequireNoLink(name);
        if (FileKind.Other(At(name)) is { } other)
        {
            throw new CorruptCacheException(name, null, "file", "a file", other);
        }

        try
        {
            return File.OpenHandle(At(name), share: FileShare.ReadWrite | FileShare.Delete, options: options);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (UnauthorizedAccessException e)
        {
            throw new UnreadableFileException(name, Location, "permission denied", e);
        }
        catch (IOException e)
        {
            throw new UnreadableFileException(name, Location, e.Message, e);
        }
    }

    // A folder that is a link leads all its files out of the cache.
    private void RequireNoLink(string name)
    {
        if (name.IndexOf('/', StringComparison.Ordinal) is > 0 and var end && FileKind.LinkTo(At(name[..end])) is { } link)
        {
            throw new CorruptCacheException(name[..end], null, "folder", "a folder", link);
        }
    }

    private string At(string name) => Path.Combine(_root, name);

    private string Folder(string folder) => Path.TrimEndingDirectorySeparator(At(folder));

    private sealed class Held(IDisposable file) : IPartLock
    {
        public bool TakenOver => false;

        public void Require()
        {
            // flock is certain: it ends only with its holder.
        }

        public void Dispose() => file.Dispose();
    }
}
