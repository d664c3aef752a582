namespace Xkd.Storage.Tests;

/// <summary>Items that are settled anew: their old clips go as their new ones come.</summary>
public sealed class ReplaceTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Replace_CommittedItem_ShowsTheNewClipsAloneFromOneVersionOn()
    {
        await Clips.WriteAsync(_folder.Cache, [Clips.Make("a"), Clips.Make("b"), .. Long(3)]);
        var before = Cache.Open(_folder.Cache);
        await using (var writer = await Clips.OpenAsync(_folder.Cache))
        {
            writer.Reopen(["a", "long"]);
            await writer.AddAsync(New("a"), New("long"));
            Assert.Equal(2, (await writer.CommitAsync(Ct)).Version);
        }

        var after = Cache.Open(_folder.Cache);
        Assert.Equal(["a", "b", "long"], after.Clips.Select(c => c.Id));
        Assert.All([New("a"), Clips.Make("b"), New("long")], clip => Clips.AssertSame(clip, after));
        Assert.Equal(["a", "b", "long#0", "long#1", "long#2"], before.Clips.Select(c => c.Id));
        Clips.AssertSame(Clips.Make("a"), before);
        RequireExact(after);
        Assert.Equal(["a", "b", "long"], (await File.ReadAllLinesAsync(_folder.In("ledger.jsonl"), Ct)).Select(l => l.Split('"')[3]));
        Assert.Equal(4, CacheVerifier.Verify(_folder.Cache, ct: Ct).RemovedRows);
    }

    [Fact]
    public async Task Replace_Failed_LeavesTheOldClipsAndSaysSoOnce()
    {
        await Clips.WriteAsync(_folder.Cache, [Clips.Make("a")]);
        for (var attempt = 0; attempt < 2; attempt++)
        {
            await using var writer = await Clips.OpenAsync(_folder.Cache);
            writer.Reopen(["a"]);
            await writer.AppendAsync(New("a"), Ct);
            await writer.SettleAsync(Clips.Failed("a") with { Attempts = 2 + attempt }, Ct);
            await writer.CommitAsync(Ct);
        }

        var cache = Cache.Open(_folder.Cache);
        Clips.AssertSame(Clips.Make("a"), cache);
        var line = cache.ReadLedger()["a"];
        Assert.Equal((ItemState.Committed, 3, null), (line.State, line.Attempts, line.Reason));
        Assert.Equal(["not replaced: decode/truncated: 3 of 10 s"], line.Warnings);
        RequireExact(cache);
    }

    [Fact]
    public async Task Replace_Removed_TakesTheClipsAwayAndNothingElse()
    {
        await Clips.WriteAsync(_folder.Cache, [Clips.Make("a"), Clips.Make("b")]);
        await using (var writer = await Clips.OpenAsync(_folder.Cache))
        {
            writer.Reopen(["a"]);
            await writer.SettleAsync(Clips.Committed("a") with { State = ItemState.Removed }, Ct);
            await writer.CommitAsync(Ct);
        }

        var cache = Cache.Open(_folder.Cache);
        Assert.Equal("b", Assert.Single(cache.Clips).Id);
        Assert.Equal((ItemState.Removed, ItemState.Committed), (cache.ReadLedger()["a"].State, cache.ReadLedger()["b"].State));
        RequireExact(cache);
    }

    [Fact]
    public async Task Replace_BySameContent_IsAShardOfItsOwn()
    {
        await Clips.WriteAsync(_folder.Cache, [Clips.Make("a")]);
        await using (var writer = await Clips.OpenAsync(_folder.Cache))
        {
            writer.Reopen(["a"]);
            await writer.AddAsync(Clips.Make("a"));
            await writer.CommitAsync(Ct);
        }

        var cache = Cache.Open(_folder.Cache);
        Clips.AssertSame(Clips.Make("a"), cache);
        Assert.Equal(2, cache.Manifest.Shards.Select(s => s.Sha256).Distinct().Count());
        RequireExact(cache);
    }

    [Fact]
    public async Task Replace_AllClips_LeavesNothingOfTheOldStatistics()
    {
        await Clips.WriteAsync(_folder.Cache, [Clips.Make("a"), Clips.Make("b")]);
        await using var writer = await Clips.OpenAsync(_folder.Cache);
        writer.Reopen(["a", "b"]);
        await writer.SettleAsync(Clips.Committed("b") with { State = ItemState.Removed }, Ct);
        await writer.SettleAsync(Clips.Committed("a") with { State = ItemState.Removed }, Ct);
        Assert.Equal(new MelStatistics(), (await writer.CommitAsync(Ct)).Mel);
    }

    [Fact]
    public async Task Replace_NotReopenedOrTwice_IsRefused()
    {
        await using var writer = await Clips.OpenAsync(_folder.Cache);
        await writer.AddAsync(Clips.Make("a"));
        Assert.Throws<InvalidOperationException>(() => writer.Reopen(["a"]));
        await writer.CommitAsync(Ct);
        await Assert.ThrowsAsync<UsageException>(() => writer.AppendAsync(New("a"), Ct));
        writer.Reopen(["a"]);
        await writer.AddAsync(New("a"));
        await Assert.ThrowsAsync<UsageException>(() => writer.SettleAsync(Clips.Failed("a"), Ct));
        await writer.CommitAsync(Ct);
        Clips.AssertSame(New("a"), Cache.Open(_folder.Cache));
    }

    [Fact]
    public async Task Replace_ManyCommits_StaysExactWhileSegmentsAreMerged()
    {
        string[] ids = [.. Enumerable.Range(0, 33).Select(i => $"clip{i:D2}")];
        await Clips.WriteAsync(_folder.Cache, ids.Select(id => Clips.Make(id, frames: 1)));
        await using (var writer = await Clips.OpenAsync(_folder.Cache))
        {
            writer.Reopen(ids);
            foreach (var id in ids)
            {
                await writer.AddAsync(New(id));
                await writer.CommitAsync(Ct);
            }
        }

        var cache = Cache.Open(_folder.Cache);
        Assert.True(cache.Manifest.Segments.Count < 32, "nothing was merged");
        Assert.Equal(ids, cache.Clips.Select(c => c.Id));
        Assert.All(ids, id => Clips.AssertSame(New(id), cache));
        RequireExact(cache);

        await new CacheEditor(_folder.Cache, TimeProvider.System).CompactAsync(Ct);
        await new CacheEditor(_folder.Cache, TimeProvider.System).VacuumAsync(TimeSpan.Zero, Ct);
        cache = Cache.Open(_folder.Cache);
        Assert.All(ids, id => Clips.AssertSame(New(id), cache));
        Assert.Equal(0, CacheVerifier.Verify(_folder.Cache, ct: Ct).RemovedRows);
    }

    [Fact]
    public async Task Replace_OthersCommitRemoveAndCompactBetween_StaysExact()
    {
        await Clips.WriteAsync(_folder.Cache, [Clips.Make("a"), Clips.Make("b"), Clips.Make("c"), .. Long(3)]);
        await using var writer = await Clips.OpenAsync(_folder.Cache, new CacheWriterOptions { Part = "one" });
        await using var other = await Clips.OpenAsync(_folder.Cache, new CacheWriterOptions { Part = "two" });
        writer.Reopen(["a", "long", "b"]);
        await writer.AddAsync(New("a"));
        await writer.CommitAsync(Ct); // the index is read by now

        other.Reopen(["c"]);
        await other.AddAsync(New("c"), Clips.Make("d"));
        await other.CommitAsync(Ct);
        await new CacheEditor(_folder.Cache, TimeProvider.System).RemoveAsync(ClipFilter.Parse(["id=long#1"], null), Ct);
        await writer.AddAsync(New("long"));
        await writer.CommitAsync(Ct);
        RequireExact(Cache.Open(_folder.Cache));

        await new CacheEditor(_folder.Cache, TimeProvider.System).RemoveAsync(ClipFilter.Parse(["id=d"], null), Ct);
        await new CacheEditor(_folder.Cache, TimeProvider.System).CompactAsync(Ct);
        await writer.AddAsync(New("b"));
        await writer.CommitAsync(Ct);

        var cache = Cache.Open(_folder.Cache);
        Assert.Equal(["a", "b", "c", "long"], cache.Clips.Select(c => c.Id));
        Assert.All(["a", "b", "c", "long"], id => Clips.AssertSame(New(id), cache));
        RequireExact(cache);
    }

    [Fact]
    public async Task Replace_OthersMergeTheLinesBetween_IsNoConflict()
    {
        await Clips.WriteAsync(_folder.Cache, [Clips.Make("a")]);
        await ReplaceAsync("a", "again");
        await using var writer = await Clips.OpenAsync(_folder.Cache, new CacheWriterOptions { Part = "one" });
        writer.Reopen(["a"]);
        await writer.AddAsync(New("a"));
        await using (var other = await Clips.OpenAsync(_folder.Cache, new CacheWriterOptions { Part = "two" }))
        {
            for (var i = 0; i < 32; i++)
            {
                await other.AddAsync(Clips.Make($"other{i}", frames: 1));
                await other.CommitAsync(Ct);
            }
        }

        var merged = Cache.Open(_folder.Cache).Manifest;
        Assert.Contains(merged.Segments, s => s.Level > 0);
        Assert.Null(merged.Listed);
        Assert.Equal(Cache.Open(_folder.Cache, version: 2).Manifest.Shards, Cache.Open(_folder.Cache, version: 2).Manifest.Listed);
        await writer.CommitAsync(Ct);
        var cache = Cache.Open(_folder.Cache);
        Clips.AssertSame(New("a"), cache);
        Assert.Equal(33, cache.Clips.Count);
        RequireExact(cache);
    }

    [Theory]
    [InlineData(true, "item a was committed by another process")]
    [InlineData(false, "item a was removed by another process")]
    public async Task Replace_OtherProcessDidItFirst_IsRefusedAndTheirsStays(bool replaced, string said)
    {
        await Clips.WriteAsync(_folder.Cache, [Clips.Make("a"), Clips.Make("b")]);
        await using var writer = await Clips.OpenAsync(_folder.Cache, new CacheWriterOptions { Part = "one" });
        writer.Reopen(["a"]);
        await writer.AddAsync(New("a"));
        if (replaced)
        {
            await ReplaceAsync("a", "theirs");
        }
        else
        {
            await new CacheEditor(_folder.Cache, TimeProvider.System).RemoveAsync(ClipFilter.Parse(["id=a"], null), Ct);
        }

        var e = await Assert.ThrowsAsync<FailureException>(() => writer.CommitAsync(Ct));
        Assert.Contains(said, e.Message, StringComparison.Ordinal);
        var cache = Cache.Open(_folder.Cache);
        Assert.Equal(replaced ? ["a", "b"] : ["b"], cache.Clips.Select(c => c.Id));
        RequireExact(cache);
    }

    private static ClipRecord New(string id) => Clips.Make($"new {id}", frames: 3, melFrames: 4) with { Id = id, SourceItem = id };

    private static IEnumerable<ClipRecord> Long(int segments) => Enumerable.Range(0, segments).Select(i => Clips.Make($"long#{i}", item: "long"));

    private async Task ReplaceAsync(string id, string source)
    {
        await using var writer = await Clips.OpenAsync(_folder.Cache, new CacheWriterOptions { Part = "other" });
        writer.Reopen([id]);
        await writer.AppendAsync(New(id) with { Source = source }, Ct);
        await writer.SettleAsync(Clips.Committed(id) with { Source = source }, Ct);
        await writer.CommitAsync(Ct);
    }

    private void RequireExact(Cache cache)
    {
        Assert.Equal(cache.Clips.Count, cache.Manifest.Clips);
        var expected = new MelStatistics().Add(cache.Clips, cache.Manifest.Fingerprint);
        Assert.Equal((expected.Frames, expected.Values), (cache.Manifest.Mel.Frames, cache.Manifest.Mel.Values));
        Assert.Equal(expected.Sum, cache.Manifest.Mel.Sum, 1e-9 * Math.Abs(expected.Sum));
        Assert.Equal(expected.SumSquares, cache.Manifest.Mel.SumSquares, 1e-9 * expected.SumSquares);
        Assert.Empty(CacheVerifier.Verify(_folder.Cache, ct: Ct).Errors);
    }
}
