namespace Xkd.Storage.Tests;

/// <summary>Reading a cache in an object store with copies on the local disk.</summary>
public sealed class RemoteShardsTests : IAsyncLifetime
{
    private static readonly ClipRecord[] Ten = [.. Enumerable.Range(0, 10).Select(i => Clips.Make($"clip {i:D2}"))];

    private readonly TempFolder _folder = new();
    private readonly ObjectServer _server = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Copies => Path.Combine(_folder.Path, "xkd", "shards");

    public async ValueTask InitializeAsync()
    {
        await using var writer = await CacheWriter.OpenAsync(Open(), Clips.Fingerprint, new CacheWriterOptions { ShardRows = 2 }, TimeProvider.System, Ct);
        await writer.AddAsync(Ten);
        await writer.CommitAsync(Ct);
    }

    public ValueTask DisposeAsync()
    {
        _server.Dispose();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Read_AfterTheFetch_TouchesTheServiceNoMore()
    {
        var cache = Cache.Open(Open());
        using var shards = (RemoteShards)cache.OpenShards();
        Assert.Equal(10, cache.Clips.Count);
        await FetchAllAsync(shards, cache);
        var before = _server.Requests.Count;
        Assert.All(Ten, clip => Clips.AssertSame(clip, cache));
        Assert.Equal(before, _server.Requests.Count);
        Assert.Equal(cache.Manifest.Shards.Sum(s => s.Bytes), CopiedBytes());
    }

    [Fact]
    public void Open_ObjectStore_SaysHowManyRequestsItWantsAndLeavesThreadsForTheAnswers()
    {
        using ClipReader reader = new(Cache.Open(Open()));
        Assert.Equal(32, reader.Requests);
        ThreadPool.GetMinThreads(out var workers, out _);
        Assert.True(workers > 32, $"{workers} threads at once for 32 waiting calls");
    }

    [Fact]
    public void Read_Window_IsOneRequestOfItsSize()
    {
        var cache = Cache.Open(Open(copies: 0));
        var clip = cache.Clips[4];
        using ClipReader reader = new(cache);
        string[] before = [.. _server.Requests];
        reader.ReadFrames(clip, 1, 3, new byte[3 * clip.FrameBytes]);
        Assert.Equal(2, _server.Requests.Skip(before.Length).Count()); // checksums, frames
        Assert.False(Directory.Exists(Copies));
    }

    [Fact]
    public async Task Read_BoundSmallerThanTheCache_ReadsTheRestByRanges()
    {
        var one = Cache.Open(Open()).Manifest.Shards.Max(s => s.Bytes);
        var cache = Cache.Open(Open(copies: one * 2));
        using var shards = (RemoteShards)cache.OpenShards();
        await FetchAllAsync(shards, cache, enough: 2);
        Assert.All(Ten, clip => Clips.AssertSame(clip, cache));
        Assert.InRange(CopiedBytes(), one, one * 2);
    }

    [Fact]
    public async Task Read_CopyDamagedSinceItWasMade_IsDroppedAndReadFromTheService()
    {
        var cache = Cache.Open(Open());
        using (var shards = (RemoteShards)cache.OpenShards())
        {
            await FetchAllAsync(shards, cache);
        }

        foreach (var copy in Directory.GetFiles(Copies, "*.parquet"))
        {
            var bytes = await File.ReadAllBytesAsync(copy, Ct);
            Array.ForEach([.. Enumerable.Range(100, bytes.Length - 300)], i => bytes[i] ^= 1);
            await File.WriteAllBytesAsync(copy, bytes, Ct);
        }

        Assert.All(Ten, clip => Clips.AssertSame(clip, cache));
    }

    [Fact]
    public async Task Fetch_ShardDamagedInTheStore_IsNotKeptAndItsRowIsNamed()
    {
        var cache = Cache.Open(Open());
        var clip = cache.Clips[3];
        var shard = cache.Manifest.Shards[clip.Shard];
        _server.Objects["caches/one/" + shard.Path][clip.FramesOffset] ^= 1;
        using var shards = (RemoteShards)cache.OpenShards();
        await FetchAllAsync(shards, cache, enough: cache.Manifest.Shards.Count - 1);
        var e = Assert.Throws<CorruptCacheException>(() => Clips.AssertSame(Ten[3], cache));
        Assert.Equal((shard.Path, clip.Row, "frames"), (e.Shard, e.Row, e.Column));
        Assert.False(File.Exists(Path.Combine(Copies, shard.Sha256 + ".parquet")));
    }

    // One read from the service sets the fetch off; each look asks whether the next shard has come.
    private static async Task FetchAllAsync(RemoteShards shards, Cache cache, int? enough = null)
    {
        shards.Read(0, 0, new byte[1]);
        while (Enumerable.Range(0, cache.Manifest.Shards.Count).Count(shards.IsNear) < (enough ?? cache.Manifest.Shards.Count))
        {
            await Task.Yield();
            Ct.ThrowIfCancellationRequested();
        }
    }

    private long CopiedBytes() => Directory.EnumerateFiles(Copies, "*.parquet").Sum(f => new FileInfo(f).Length);

    private ObjectStore Open(long copies = 1 << 20) => new(ObjectCaches.Cache, ObjectCaches.Options(_server.Endpoint, _folder) with { CacheBytes = copies }, TimeProvider.System);
}
