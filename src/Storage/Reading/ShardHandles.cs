using Microsoft.Win32.SafeHandles;

namespace Xkd.Storage;

/// <summary>Files of a manifest's shards, opened when first needed and kept.</summary>
/// <param name="manifest">The version.</param>
/// <param name="open">Opens a file of the cache; null where there is none.</param>
internal sealed class ShardHandles(Manifest manifest, Func<string, SafeFileHandle?> open) : IShardBytes
{
    private readonly SafeFileHandle?[] _handles = new SafeFileHandle?[manifest.Shards.Count];

    public int Read(int shard, long offset, Span<byte> destination) => RandomAccess.Read(Handle(shard), destination, offset);

    public bool IsNear(int shard) => true;

    public bool Distrust(int shard) => false;

    public void Dispose()
    {
        foreach (var handle in _handles)
        {
            handle?.Dispose();
        }
    }

    private SafeFileHandle Handle(int shard) => Volatile.Read(ref _handles[shard]) ?? Open(shard);

    private SafeFileHandle Open(int shard)
    {
        var entry = manifest.Shards[shard];
        var opened = open(entry.Path) ?? throw new CorruptCacheException(entry.Path, null, "file", $"{entry.Bytes} bytes", "no file");
        var earlier = Interlocked.CompareExchange(ref _handles[shard], opened, null);
        if (earlier is null)
        {
            return opened;
        }

        opened.Dispose();
        return earlier;
    }
}
