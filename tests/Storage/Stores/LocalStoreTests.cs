namespace Xkd.Storage.Tests;

public sealed class LocalStoreTests : StoreTests, IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Read_WholeCache_WritesNothing()
    {
        // So that a cache can be read from a mount that is read-only.
        ClipRecord[] clips = [Clips.Make("a"), Clips.Make("b")];
        await WriteAsync("main", clips);
        var before = Everything();
        var cache = Cache.Open(_folder.Cache);
        Assert.All(clips, clip => Clips.AssertSame(clip, cache));
        Assert.Equal(2, CacheSummary.Of(cache).Clips);
        Assert.True(CacheVerifier.Verify(_folder.Cache, ct: Ct).Ok);
        Assert.Equal(before, Everything());
    }

    private string[] Everything() =>
        [.. new DirectoryInfo(_folder.Cache).EnumerateFileSystemInfos("*", SearchOption.AllDirectories).Select(f => $"{f.FullName} {f.LastWriteTimeUtc.Ticks}").Order(StringComparer.Ordinal)];

    private protected override ICacheStore Open() => CacheStores.Open(_folder.Cache);
}
