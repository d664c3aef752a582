using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Xkd.Storage;

/// <summary>Files of a cache's shards, opened when first needed and kept. Thread-safe.</summary>
internal sealed partial class ShardHandles(Cache cache) : IDisposable
{
    private const int WillNeedAdvice = 3; // POSIX_FADV_WILLNEED

    private readonly SafeFileHandle?[] _handles = new SafeFileHandle?[cache.Manifest.Shards.Count];

    public SafeFileHandle this[int shard] => Volatile.Read(ref _handles[shard]) ?? Open(shard);

    /// <summary>Asks for a range that will be read at once in pieces, so that the disk has all of it to work on; a hint, which may be ignored.</summary>
    public void WillNeed(int shard, long offset, long length)
    {
        if (OperatingSystem.IsLinux())
        {
            _ = Advise(this[shard], offset, length, WillNeedAdvice);
        }
    }

    public void Dispose()
    {
        foreach (SafeFileHandle? handle in _handles)
        {
            handle?.Dispose();
        }
    }

    private SafeFileHandle Open(int shard)
    {
        SafeFileHandle opened;
        try
        {
            opened = File.OpenHandle(cache.ShardFile(shard), options: FileOptions.RandomAccess);
        }
        catch (FileNotFoundException e)
        {
            ShardEntry entry = cache.Manifest.Shards[shard];
            throw new CorruptCacheException(entry.Path, null, "file", $"{entry.Bytes} bytes", "no file", e);
        }

        SafeFileHandle? earlier = Interlocked.CompareExchange(ref _handles[shard], opened, null);
        if (earlier is null)
        {
            return opened;
        }

        opened.Dispose();
        return earlier;
    }

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int Advise(SafeFileHandle file, long offset, long length, int advice);
}
