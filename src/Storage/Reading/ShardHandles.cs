using Microsoft.Win32.SafeHandles;

namespace Xkd.Storage;

/// <summary>Files of a cache's shards, opened when first needed and kept. Thread-safe.</summary>
internal sealed class ShardHandles(Cache cache) : IDisposable
{
    private readonly SafeFileHandle?[] _handles = new SafeFileHandle?[cache.Manifest.Shards.Count];

    public SafeFileHandle this[int shard] => Volatile.Read(ref _handles[shard]) ?? Open(shard);

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
}
