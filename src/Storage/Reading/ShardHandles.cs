using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Xkd.Storage;

/// <summary>Files of a manifest's shards, opened when first needed and kept.</summary>
/// <param name="manifest">The version.</param>
/// <param name="open">Opens a file of the cache; null where there is none.</param>
/// <param name="at">Where a path of the cache lies.</param>
/// <param name="resident">Bytes of shards that may be present as the process's own memory at once.</param>
internal sealed partial class ShardHandles(Manifest manifest, Func<string, SafeFileHandle?> open, Func<string, string> at, long resident) : IShardBytes
{
    private const int WillNeedAdvice = 3; // POSIX_FADV_WILLNEED

    private readonly ShardMaps? _maps = ShardMaps.Of(manifest, at, resident);
    private readonly SafeFileHandle?[] _handles = new SafeFileHandle?[manifest.Shards.Count];

    public int Read(int shard, long offset, Span<byte> destination) => RandomAccess.Read(Handle(shard), destination, offset);

    public long MostResident => _maps is null ? 0 : Math.Min(resident, manifest.Shards.Sum(s => s.Bytes));

    public bool IsNear(int shard) => true;

    public bool Distrust(int shard) => false;

    public ReadOnlySpan<byte> Present(int shard, long offset, int length) => _maps is null ? [] : _maps.TryGet(shard, Handle(shard), offset, length);

    public void WillNeed(int shard, long offset, long length)
    {
        if (OperatingSystem.IsLinux())
        {
            _ = Advise(Handle(shard), offset, length, WillNeedAdvice);
        }
    }

    public void Dispose()
    {
        _maps?.Dispose();
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

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int Advise(SafeFileHandle file, long offset, long length, int advice);
}
