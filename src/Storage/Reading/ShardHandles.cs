using Microsoft.Win32.SafeHandles;

namespace Xkd.Storage;

/// <summary>Files of a manifest's shards, opened when first needed and kept.</summary>
internal sealed class ShardHandles(Manifest manifest, Func<string, string> at) : IShardBytes
{
    private readonly SafeFileHandle?[] _handles = new SafeFileHandle?[manifest.Shards.Count];

    public int Read(int shard, long offset, Span<byte> destination) => RandomAccess.Read(Volatile.Read(ref _handles[shard]) ?? Open(shard), destination, offset);

    public bool IsNear(int shard) => true;

    public bool Distrust(int shard) => false;

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
            opened = File.OpenHandle(at(manifest.Shards[shard].Path), options: FileOptions.RandomAccess);
        }
        catch (FileNotFoundException e)
        {
            ShardEntry entry = manifest.Shards[shard];
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
