namespace Xkd.Storage.Tests;

public sealed class CacheTests
{
    [Fact]
    public void Open_NoFolder_SaysHowToMakeOne()
    {
        using TempFolder folder = new();
        var e = Assert.Throws<UsageException>(() => Cache.Open(folder.Cache));
        Assert.Contains(folder.Cache, e.Message, StringComparison.Ordinal);
        Assert.Contains("xkd ingest --out", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_AnotherFolder_SaysItIsNoCache()
    {
        using TempFolder folder = new();
        Assert.Contains("not a cache", Assert.Throws<UsageException>(() => Cache.Open(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_NothingCommitted_SaysSo()
    {
        using TempFolder folder = new();
        await using (await Clips.OpenAsync(folder.Cache))
        {
            Assert.Contains("nothing is committed", Assert.Throws<UsageException>(() => Cache.Open(folder.Cache)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Open_MissingShard_NamesItAndTheFix()
    {
        using TempFolder folder = new();
        var manifest = await Clips.WriteAsync(folder.Cache, [Clips.Make("a")]);
        File.Delete(folder.In(manifest.Shards[0].Path));
        var e = Assert.Throws<CorruptCacheException>(() => Cache.Open(folder.Cache));
        Assert.Equal((manifest.Shards[0].Path, "no file"), (e.Shard, e.Got));
        Assert.Contains("restore the file", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_OlderVersion_ShowsWhatItShowed()
    {
        using TempFolder folder = new();
        await Clips.WriteAsync(folder.Cache, [Clips.Make("b")]);
        await Clips.WriteAsync(folder.Cache, [Clips.Make("a")]);
        Assert.Equal(["b"], Cache.Open(folder.Cache, version: 1).Clips.Select(c => c.Id));
        Assert.Equal(["b"], Cache.Open(folder.Cache, version: 1).ReadLedger().Keys);
        Assert.Equal(["a", "b"], Cache.Open(folder.Cache).Clips.Select(c => c.Id));
        Assert.Contains("versions are 1 to 2", Assert.Throws<UsageException>(() => Cache.Open(folder.Cache, version: 7)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Open_NewestManifestDamaged_FallsBackAndSaysSo(bool cut)
    {
        using TempFolder folder = new();
        await Clips.WriteAsync(folder.Cache, [Clips.Make("b")]);
        await Clips.WriteAsync(folder.Cache, [Clips.Make("a")]);
        var newest = folder.In("manifest", "000002.json");
        var text = await File.ReadAllBytesAsync(newest, TestContext.Current.CancellationToken);
        if (cut)
        {
            await File.WriteAllBytesAsync(newest, text[..^40], TestContext.Current.CancellationToken);
        }
        else
        {
            Files.Flip(newest, text.Length / 2);
        }

        var cache = Cache.Open(folder.Cache);
        Assert.Equal(1, cache.Manifest.Version);
        Assert.Contains("000002.json is damaged", Assert.Single(cache.Warnings), StringComparison.Ordinal);
        Assert.Contains("000002.json", Assert.Throws<CorruptCacheException>(() => Cache.Open(folder.Cache, version: 2)).Message, StringComparison.Ordinal);

        // Growing from version 1 would take version 2's shard for a leftover: writing is refused instead.
        var e = await Assert.ThrowsAsync<FailureException>(() => Clips.OpenAsync(folder.Cache));
        Assert.Contains("000002.json is damaged", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clips_DamagedIndex_NamesTheFile()
    {
        using TempFolder folder = new();
        await Clips.WriteAsync(folder.Cache, [Clips.Make("a"), Clips.Make("b")]);
        Files.Flip(folder.In("index", "main-000001.parquet"), 200);
        var e = Assert.Throws<CorruptCacheException>(() => Cache.Open(folder.Cache).Clips);
        Assert.Equal(("index/main-000001.parquet", "file"), (e.Shard, e.Column));
    }

    [Fact]
    public async Task Summary_CountsWhatIsThere()
    {
        using TempFolder folder = new();
        await using (var writer = await Clips.OpenAsync(folder.Cache))
        {
            await writer.AddAsync(Clips.Make("a", frames: 8) with { Label = "dog", Labels = [], Split = "train" }, Clips.Make("b", frames: 16) with { Label = null, Labels = ["dog", "cat"], Split = "val" });
            await writer.SettleAsync(Clips.Failed("c"), TestContext.Current.CancellationToken);
            await writer.CommitAsync(TestContext.Current.CancellationToken);
        }

        var summary = CacheSummary.Of(folder.Cache);
        Assert.Equal((1, 2, 1, 3 / 3600.0), (summary.Version, summary.Clips, summary.Failed, summary.Hours));
        Assert.Equal(new Dictionary<string, int> { ["dog"] = 2, ["cat"] = 1 }, summary.Classes);
        Assert.Equal(new Dictionary<string, int> { ["train"] = 1, ["val"] = 1 }, summary.Splits);
        Assert.Equal(Clips.Fingerprint, summary.Fingerprint);
        Assert.Equal(Directory.GetFiles(folder.In("shards")).Sum(f => new FileInfo(f).Length), summary.Bytes);
    }
}
