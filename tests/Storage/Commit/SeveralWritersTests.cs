namespace Xkd.Storage.Tests;

public sealed class SeveralWritersTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Commit_TwoPartsInTurns_BothAreInTheNewestVersion()
    {
        using TempFolder folder = new();
        await using var one = await Clips.OpenAsync(folder.Cache, Part("0-of-2"));
        await using var two = await Clips.OpenAsync(folder.Cache, Part("1-of-2"));
        await one.AddAsync(Clips.Make("a"));
        await two.AddAsync(Clips.Make("b"));
        Assert.Equal(1, (await one.CommitAsync(Ct)).Version);
        Assert.Equal(2, (await two.CommitAsync(Ct)).Version);
        await one.AddAsync(Clips.Make("c"));
        var manifest = await one.CommitAsync(Ct);

        Assert.Equal((3, 2, 3), (manifest.Version, manifest.Parent, manifest.Clips));
        var cache = Cache.Open(folder.Cache);
        Assert.Equal(["a", "b", "c"], cache.Clips.Select(c => c.Id));
        Assert.Equal(["a", "b", "c"], cache.ReadLedger().Keys.Order(StringComparer.Ordinal));
        Assert.Equal(3, (await File.ReadAllLinesAsync(folder.In("ledger.jsonl"), Ct)).Length);
        Assert.True(CacheVerifier.Verify(folder.Cache, ct: Ct).Ok);
    }

    [Fact]
    public async Task Commit_ManyPartsAtOnce_LosesNoCommit()
    {
        using TempFolder folder = new();
        await Parallel.ForAsync(0, 4, Ct, async (part, ct) =>
        {
            await using var writer = await Clips.OpenAsync(folder.Cache, Part($"p{part}"));
            for (var i = 0; i < 6; i++)
            {
                await writer.AddAsync(Clips.Make($"{part}-{i}", frames: 1));
                await writer.CommitAsync(ct);
            }
        });
        var cache = Cache.Open(folder.Cache);
        Assert.Equal((24, 24, 24), (cache.Manifest.Version, cache.Manifest.Clips, cache.Clips.Count));
        Assert.Equal(24, (await File.ReadAllLinesAsync(folder.In("ledger.jsonl"), Ct)).Length);
        Assert.Empty(CacheVerifier.Verify(folder.Cache, ct: Ct).Errors);
    }

    [Fact]
    public async Task Commit_ItemAnotherPartCommitted_IsRefusedAndLeavesOneCopy()
    {
        using TempFolder folder = new();
        await using (var one = await Clips.OpenAsync(folder.Cache, Part("one")))
        await using (var two = await Clips.OpenAsync(folder.Cache, Part("two")))
        {
            await one.AddAsync(Clips.Make("same"));
            await two.AddAsync(Clips.Make("same"), Clips.Make("other"));
            await one.CommitAsync(Ct);
            var e = await Assert.ThrowsAsync<FailureException>(() => two.CommitAsync(Ct));
            Assert.Contains("item same was committed by another process", e.Message, StringComparison.Ordinal);
        }

        Assert.Equal(["same"], Cache.Open(folder.Cache).Clips.Select(c => c.Id));
        Assert.Single(Directory.GetFiles(folder.In("shards")));
    }

    [Fact]
    public async Task Commit_AnotherFingerprintCommittedFirst_IsRefused()
    {
        using TempFolder folder = new();
        await using var one = await Clips.OpenAsync(folder.Cache, Part("one"));
        await using var two = await Clips.OpenAsync(folder.Cache, Part("two"), Clips.Fingerprint with { Fps = 16 });
        await one.AddAsync(Clips.Make("a"));
        await two.AddAsync(Clips.Make("b"));
        await one.CommitAsync(Ct);
        var e = await Assert.ThrowsAsync<FingerprintMismatchException>(() => two.CommitAsync(Ct));
        Assert.Equal(["fps 8 ≠ 16"], e.Differences);
    }

    [Fact]
    public async Task Open_LeftoversOfADeadPart_AreRemovedButNotThoseOfALivingOne()
    {
        using TempFolder folder = new();
        await Clips.WriteAsync(folder.Cache, [Clips.Make("a")]);
        await using var living = await Clips.OpenAsync(folder.Cache, Part("living"));
        await living.AddAsync(Clips.Make("b"));
        string[] dead = [folder.In("shards", "dead-000001.parquet"), folder.In("shards", "dead-000002.parquet.dead.tmp"), folder.In("manifest", "000002.json.dead.tmp")];
        Array.ForEach(dead, f => File.WriteAllText(f, "left behind"));
        var foreign = folder.In("shards", "notes.txt");
        await File.WriteAllTextAsync(foreign, "not ours", Ct);

        await using var writer = await Clips.OpenAsync(folder.Cache);

        Assert.All(dead, f => Assert.False(File.Exists(f), f));
        Assert.True(File.Exists(foreign));
        await living.CommitAsync(Ct);
        Assert.Equal(["a", "b"], Cache.Open(folder.Cache).Clips.Select(c => c.Id));
    }

    private static CacheWriterOptions Part(string part) => new() { Part = part };
}
