namespace Xkd.Storage.Tests;

public sealed class CacheMergerTests
{
    [Fact]
    public async Task Merge_AfterSeveralParts_TidiesAndKeepsTheVersion()
    {
        using TempFolder folder = new();
        await Clips.WriteAsync(folder.Cache, [Clips.Make("a")], new CacheWriterOptions { Part = "0" });
        await Clips.WriteAsync(folder.Cache, [Clips.Make("b")], new CacheWriterOptions { Part = "1" });
        await File.WriteAllTextAsync(folder.In("ledger.jsonl"), "stale", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(folder.In("shards", "2-000009.parquet"), "left behind", TestContext.Current.CancellationToken);

        var manifest = await CacheMerger.MergeAsync(folder.Cache, TimeProvider.System, TestContext.Current.CancellationToken);

        Assert.Equal((2, 2), (manifest.Version, manifest.Clips));
        Assert.Equal(2, (await File.ReadAllLinesAsync(folder.In("ledger.jsonl"), TestContext.Current.CancellationToken)).Length);
        Assert.Equal(2, Directory.GetFiles(folder.In("shards")).Length);
        Assert.True(CacheVerifier.Verify(folder.Cache, ct: TestContext.Current.CancellationToken).Ok);
    }

    [Fact]
    public async Task Merge_NoCache_IsAUsageError()
    {
        using TempFolder folder = new();
        await Assert.ThrowsAsync<UsageException>(() => CacheMerger.MergeAsync(folder.Cache, TimeProvider.System, TestContext.Current.CancellationToken));
    }
}
