using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.Win32.SafeHandles;

namespace Xkd.Storage;

/// <summary>
/// Shards in an object store. What has a copy on the local disk is read from that, all else by ranges: a training's windows lie anywhere, so a shard
/// fetched for one window would be some hundred times what was asked for. Behind the reads whole shards are fetched, each once, until all are here or
/// the bound is reached; then the share that is here stays (every clip is as likely as any other, so exchanging them would bring nothing).
/// </summary>
internal sealed class RemoteShards : IShardBytes
{
    private const int Fetchers = 4;

    private readonly Manifest _manifest;
    private readonly ObjectBucket _bucket;
    private readonly ObjectStoreOptions _options;
    private readonly ShardCopies? _copies;
    private readonly SafeFileHandle?[] _handles;
    private readonly bool[] _distrusted;
    private readonly ConcurrentBag<SafeFileHandle> _dropped = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private Task _fetching = Task.CompletedTask;
    private int _reads;

    public RemoteShards(Manifest manifest, ObjectBucket bucket, ObjectStoreOptions options, TimeProvider time)
    {
        (_manifest, _bucket, _options) = (manifest, bucket, options);
        _copies = options.CacheBytes > 0 ? new ShardCopies(Path.Combine(options.Folder, "shards"), options.CacheBytes, time) : null;
        _handles = new SafeFileHandle?[manifest.Shards.Count];
        _distrusted = new bool[manifest.Shards.Count];
    }

    public int? Requests => ObjectStore.Requests;

    public bool IsNear(int shard) => Handle(shard) is not null;

    public int Read(int shard, long offset, Span<byte> destination)
    {
        if (Handle(shard) is { } handle)
        {
            return RandomAccess.Read(handle, destination, offset);
        }

        if (Interlocked.Increment(ref _reads) == _options.ReadsBeforeFetching && _copies is not null)
        {
            _fetching = Task.Run(FetchAsync);
        }

        var rented = ArrayPool<byte>.Shared.Rent(destination.Length);
        try
        {
            var read = ReadObject(_manifest.Shards[shard], offset, rented.AsMemory(0, destination.Length));
            rented.AsSpan(0, read).CopyTo(destination);
            return read;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    public bool Distrust(int shard)
    {
        lock (_gate)
        {
            if (_handles[shard] is { } handle)
            {
                // Other reads may be under way on it: it is closed with the rest.
                _dropped.Add(handle);
                _handles[shard] = null;
                _copies!.Remove(_manifest.Shards[shard]);
            }

            _distrusted[shard] = true;
        }

        return true;
    }

    public void Dispose()
    {
        _stop.Cancel();
        _fetching.GetAwaiter().GetResult();
        foreach (var handle in _handles.Concat(_dropped))
        {
            handle?.Dispose();
        }

        _stop.Dispose();
    }

    private SafeFileHandle? Handle(int shard)
    {
        var handle = Volatile.Read(ref _handles[shard]);
        if (handle is not null || _copies is null || Volatile.Read(ref _distrusted[shard]))
        {
            return handle;
        }

        // Another process may have brought it; a look costs a thousandth of what the read would.
        lock (_gate)
        {
            return _distrusted[shard] ? null : _handles[shard] ??= _copies.TryOpen(_manifest.Shards[shard]);
        }
    }

    private int ReadObject(ShardEntry shard, long offset, Memory<byte> destination, CancellationToken ct = default) =>
        _bucket.Read(shard.Path, offset, destination, ct) ?? throw new CorruptCacheException(shard.Path, null, "file", $"{shard.Bytes} bytes", "no file");

    private async Task FetchAsync()
    {
        // Processes that share the folder begin at different places, and so share the work.
        int count = _manifest.Shards.Count, first = (int)((uint)Environment.ProcessId * 2654435761u % (uint)count);
        var full = false;
        try
        {
            await Parallel.ForEachAsync(
                Enumerable.Range(0, count).Select(i => (first + i) % count),
                new ParallelOptions { MaxDegreeOfParallelism = Fetchers, CancellationToken = _stop.Token },
                async (shard, ct) =>
                {
                    // No more are begun then; those under way have their room already, and are finished.
                    if (!Volatile.Read(ref full) && !IsNear(shard) && await FetchAsync(_manifest.Shards[shard], ct) == CopyOutcome.NoRoom)
                    {
                        Volatile.Write(ref full, true);
                    }
                });
        }
        catch (OperationCanceledException)
        {
            // The reader is closed: what is not here is read by nobody any more.
        }
    }

    private async Task<CopyOutcome> FetchAsync(ShardEntry shard, CancellationToken ct)
    {
        try
        {
            return await _copies!.MakeAsync(shard, (offset, piece) => ReadObject(shard, offset, piece, ct), ct);
        }
        catch (XkdException)
        {
            // Damaged, or out of reach. Reads by ranges check every frame: they name the row that is hit, or the service that is away.
            return CopyOutcome.OthersWork;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The disk that holds the copies is full or broken; the cache itself is not touched by that.
            return CopyOutcome.NoRoom;
        }
    }
}
