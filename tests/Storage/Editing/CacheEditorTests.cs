using System.Formats.Tar;
using System.IO.Compression;

namespace Xkd.Storage.Tests;

public sealed class CacheEditorTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Remove_ByCondition_HidesTheClipsAtOnceAndKeepsOlderVersions()
    {
        await WriteAsync("a", "b", "c", "long#0", "long#1");
        var before = Cache.Open(_folder.Cache);
        Assert.Equal(3, await RemoveAsync("id=b,long#*"));

        var after = Cache.Open(_folder.Cache);
        Assert.Equal(["a", "c"], after.Clips.Select(c => c.Id));
        Assert.Equal(2, after.Manifest.Clips);
        Assert.Equal(["a", "b", "c", "long#0", "long#1"], before.Clips.Select(c => c.Id));
        Assert.Equal((ItemState.Removed, ItemState.Removed, ItemState.Committed), (after.ReadLedger()["b"].State, after.ReadLedger()["long"].State, after.ReadLedger()["a"].State));
        Assert.Contains("\"state\":\"removed\"", await File.ReadAllTextAsync(_folder.In("ledger.jsonl"), Ct), StringComparison.Ordinal);
        Assert.Equal(new MelStatistics().Add(after.Clips, after.Manifest.Fingerprint), after.Manifest.Mel);
        var report = CacheVerifier.Verify(_folder.Cache, ct: Ct);
        Assert.Empty(report.Errors);
        Assert.Equal(3, report.RemovedRows);
    }

    [Fact]
    public async Task Remove_OneOfSeveralSegments_LeavesItsItemCommitted()
    {
        await WriteAsync("long#0", "long#1");
        await RemoveAsync("id=long#1");
        Assert.Equal(ItemState.Committed, Cache.Open(_folder.Cache).ReadLedger()["long"].State);
    }

    [Fact]
    public async Task Remove_IdsFile_TakesTextAndParquet()
    {
        await WriteAsync("a", "b", "c");
        var list = Path.Combine(_folder.Path, "ids.txt");
        await File.WriteAllTextAsync(list, "b\nnot there\n", Ct);
        Assert.Equal(1, await new CacheEditor(_folder.Cache, TimeProvider.System).RemoveAsync(ClipFilter.Parse([], list), Ct));
        var table = Path.Combine(_folder.Path, "ids.parquet");
        await File.WriteAllBytesAsync(table, await RowTable<RemovedClip>.WriteAsync([new RemovedClip { Id = "c" }], new Dictionary<string, string>(StringComparer.Ordinal)), Ct);
        Assert.Equal(1, await new CacheEditor(_folder.Cache, TimeProvider.System).RemoveAsync(ClipFilter.Parse([], table), Ct));
        Assert.Equal(["a"], Cache.Open(_folder.Cache).Clips.Select(c => c.Id));
    }

    [Theory]
    [InlineData("split=nowhere", "no clip with split=nowhere")]
    [InlineData("colour=red", "no column colour")]
    [InlineData("duration", "write COLUMN=VALUE")]
    [InlineData("duration>=long", "long is none")]
    [InlineData("labels>x", "has no order")]
    public async Task Remove_FilterThatSelectsNothingOrIsNone_IsRefusedAndChangesNothing(string where, string named)
    {
        await WriteAsync("a", "bb");
        var e = await Assert.ThrowsAsync<UsageException>(() => RemoveAsync(where));
        Assert.Contains(named, e.Message, StringComparison.Ordinal);
        Assert.Equal(1, Cache.Open(_folder.Cache).Manifest.Version);
    }

    [Fact]
    public async Task RemovedItem_IsNotIngestedAgain()
    {
        await WriteAsync("a", "b");
        await RemoveAsync("id=b");
        await using var writer = await Clips.OpenAsync(_folder.Cache);
        Assert.Equal(ItemState.Removed, writer.Ledger["b"].State);
    }

    [Fact]
    public async Task CompactAndVacuum_AfterARemoval_LeaveNoByteOfIt()
    {
        var secret = Clips.Make("secret", frames: 6);
        await Clips.WriteAsync(_folder.Cache, [Clips.Make("a"), secret, Clips.Make("b"), Clips.Make("c")], new CacheWriterOptions { ShardRows = 3, RowGroupRows = 2 });
        Assert.NotEmpty(Holding(secret));
        await RemoveAsync("id=secret");
        Assert.NotEmpty(Holding(secret));

        Assert.Equal((1, 1L, false), await new CacheEditor(_folder.Cache, TimeProvider.System).CompactAsync(Ct));
        var report = CacheVerifier.Verify(_folder.Cache, ct: Ct);
        Assert.Empty(report.Errors);
        Assert.Equal((0, 1), (report.RemovedRows, report.OtherShards));
        Assert.NotEmpty(Holding(secret));

        var vacuumed = await new CacheEditor(_folder.Cache, TimeProvider.System).VacuumAsync(TimeSpan.Zero, Ct);
        Assert.True(vacuumed.Versions > 0 && vacuumed.Files > 0 && vacuumed.Bytes > secret.Frames.Length);
        Assert.Empty(Holding(secret));
        report = CacheVerifier.Verify(_folder.Cache, ct: Ct);
        Assert.Empty(report.Errors);
        Assert.Equal((0, 0), (report.RemovedRows, report.OtherShards));
        var cache = Cache.Open(_folder.Cache);
        Assert.Equal(["a", "b", "c"], cache.Clips.Select(c => c.Id));
        Assert.All(new[] { "a", "b", "c" }, id => Clips.AssertSame(Clips.Make(id), cache));
    }

    [Fact]
    public async Task Vacuum_YoungVersions_AreKept()
    {
        await WriteAsync("a");
        await WriteAsync("b");
        await RemoveAsync("id=b");
        await new CacheEditor(_folder.Cache, TimeProvider.System).CompactAsync(Ct);
        Assert.Equal((0, 0, 0L), await new CacheEditor(_folder.Cache, TimeProvider.System).VacuumAsync(TimeSpan.FromDays(7), Ct));
        Assert.Equal(["a", "b"], Cache.Open(_folder.Cache, version: 2).Clips.Select(c => c.Id));
    }

    [Fact]
    public async Task Compact_WhileAReaderReads_LeavesItsVersionWhole()
    {
        await WriteAsync("a", "b", "c");
        var before = Cache.Open(_folder.Cache);
        using ClipReader reader = new(before);
        await RemoveAsync("id=b");
        await new CacheEditor(_folder.Cache, TimeProvider.System).CompactAsync(Ct);
        Assert.All(new[] { "a", "b", "c" }, id => Clips.AssertSame(Clips.Make(id), before));
    }

    [Fact]
    public async Task Compact_ManyCommits_BecomeOneSegmentOfTheSameClips()
    {
        for (var i = 0; i < 5; i++)
        {
            await WriteAsync($"{i}");
        }

        Assert.Equal((0, 0L, false), await new CacheEditor(_folder.Cache, TimeProvider.System).CompactAsync(Ct));
        var cache = Cache.Open(_folder.Cache);
        Assert.Single(cache.Manifest.Segments);
        Assert.Equal(["0", "1", "2", "3", "4"], cache.Clips.Select(c => c.Id));
        Assert.Equal(5, cache.ReadLedger().Count);
        Assert.Empty(CacheVerifier.Verify(_folder.Cache, ct: Ct).Errors);
    }

    [Fact]
    public async Task Commit_ManyTimes_MergesSegmentsAndLosesNothing()
    {
        await using (var writer = await Clips.OpenAsync(_folder.Cache))
        {
            for (var i = 0; i < 70; i++)
            {
                await writer.AddAsync(Clips.Make($"{i:d3}", frames: 1));
                await writer.CommitAsync(Ct);
                if (i == 40)
                {
                    await RemoveAsync("id=003,035");
                }
            }
        }

        var cache = Cache.Open(_folder.Cache);
        Assert.Equal(68, cache.Clips.Count);
        Assert.InRange(cache.Manifest.Segments.Count, 2, 20);
        Assert.Equal(70, cache.ReadLedger().Count);
        Assert.Equal(2, cache.ReadLedger().Values.Count(e => e.State == ItemState.Removed));
        Assert.Empty(CacheVerifier.Verify(_folder.Cache, ct: Ct).Errors);
    }

    [Fact]
    public async Task AddColumns_JoinsByIdAndReplacesLabels()
    {
        await WriteAsync("a", "b", "c");
        var file = Path.Combine(_folder.Path, "more.parquet");
        await File.WriteAllBytesAsync(file, await RowTable<Scored>.WriteAsync(
            [new Scored { Id = "c", Score = 0.5, Label = "dog", Tags = ["x", "y"] }, new Scored { Id = "a", Score = 2, Label = null }, new Scored { Id = "elsewhere", Score = 9 }],
            new Dictionary<string, string>(StringComparer.Ordinal)), Ct);
        var (names, clips) = await new CacheEditor(_folder.Cache, TimeProvider.System).AddColumnsAsync(file, Ct);
        Assert.Equal(["score", "label", "tags"], names);
        Assert.Equal(2, clips);

        var cache = Cache.Open(_folder.Cache);
        Assert.Equal([null, Clips.Make("b").Label, "dog"], cache.Clips.Select(c => c.Label));
        Assert.Equal([2.0, null, 0.5], cache.Clips.Select(c => c.Added["score"]));
        Assert.Equal(["c"], Select("score<1"));
        Assert.Equal(["a", "c"], Select("score>0"));
        Assert.Equal(["c"], Select("tags=y"));
        Assert.Equal(["c"], Select("label=d*"));
        Assert.Equal(["a", "b"], Select("label!=dog"));
        await new CacheEditor(_folder.Cache, TimeProvider.System).CompactAsync(Ct);
        await new CacheEditor(_folder.Cache, TimeProvider.System).VacuumAsync(TimeSpan.Zero, Ct);
        Assert.Equal(["c"], Select("score<1"));
        Assert.Empty(CacheVerifier.Verify(_folder.Cache, ct: Ct).Errors);

        string[] Select(string where)
        {
            var all = Cache.Open(_folder.Cache).Clips;
            return [.. ClipFilter.Parse([where]).Select(all).Select(i => all[i].Id)];
        }
    }

    [Fact]
    public async Task Query_AFewColumns_GivesWhatAllColumnsWould()
    {
        await WriteAsync("a", "bb", "c", "long#0", "long#1");
        await WriteAsync("dd", "e");
        await RemoveAsync("id=c,long#1");
        var cache = Cache.Open(_folder.Cache);
        Assert.Equal(["a", "bb", "dd", "e", "long#0"], cache.Query(ClipFilter.All).Select(c => c.Id));
        var filter = ClipFilter.Parse(["split=train", "duration>0.1"]);
        var expected = cache.Select(filter).Clips;
        var some = cache.Query(filter, "label", "num_frames");
        Assert.Equal(expected.Select(c => (c.Id, c.Label, c.NumFrames, c.Split)), some.Select(c => (c.Id, c.Label, c.NumFrames, c.Split)));
        Assert.All(some, c => Assert.Equal((0, 0L), (c.Width, c.FramesOffset))); // not read
        Assert.Empty(cache.Query(ClipFilter.Parse(["split=nowhere"])));
        Assert.Throws<UsageException>(() => cache.Query(ClipFilter.Parse(["colour=red"])));
    }

    [Fact]
    public async Task AddColumns_AColumnOfTheLayout_IsRefused()
    {
        await WriteAsync("a");
        var file = Path.Combine(_folder.Path, "bad.parquet");
        await File.WriteAllBytesAsync(file, await RowTable<ClipEntry>.WriteAsync([.. Cache.Open(_folder.Cache).Clips], new Dictionary<string, string>(StringComparer.Ordinal)), Ct);
        Assert.Contains("cannot be replaced", (await Assert.ThrowsAsync<UsageException>(() => new CacheEditor(_folder.Cache, TimeProvider.System).AddColumnsAsync(file, Ct))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Edit_WhileAnotherIngests_BothAreThere()
    {
        await WriteAsync("a", "b");
        await using var writer = await Clips.OpenAsync(_folder.Cache);
        await writer.AddAsync(Clips.Make("c"));
        await RemoveAsync("id=a");
        await writer.CommitAsync(Ct);
        Assert.Equal(["b", "c"], Cache.Open(_folder.Cache).Clips.Select(c => c.Id));
        Assert.Empty(CacheVerifier.Verify(_folder.Cache, ct: Ct).Errors);
    }

    [Theory]
    [InlineData("raw")]
    [InlineData("jpeg")]
    public async Task Compact_ACacheOfSchemaOne_ConvertsItAndLosesNothing(string kind)
    {
        await using (var archive = new GZipStream(File.OpenRead(Path.Combine(AppContext.BaseDirectory, "Editing", "schema1", $"{kind}.tar.gz")), CompressionMode.Decompress))
        {
            await TarFile.ExtractToDirectoryAsync(archive, _folder.Path, overwriteFiles: true, Ct);
        }

        var folder = Path.Combine(_folder.Path, kind);
        var refused = Assert.Throws<UsageException>(() => Cache.Open(folder));
        Assert.Contains("xkd cache compact", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<UsageException>(() => new CacheEditor(folder, TimeProvider.System).RemoveAsync(ClipFilter.Parse(["id=*"]), Ct));
        await Assert.ThrowsAsync<UsageException>(() => Clips.OpenAsync(folder));
        var ledger = await File.ReadAllTextAsync(Path.Combine(folder, "ledger.jsonl"), Ct);

        await new CacheEditor(folder, TimeProvider.System).CompactAsync(Ct);

        var cache = Cache.Open(folder);
        Assert.Equal(["x/1.mp4#0", "x/1.mp4#1", "x/2.mp4#0", "x/2.mp4#1"], cache.Clips.Select(c => c.Id));
        Assert.Equal(["x/1.mp4", "x/1.mp4", "x/2.mp4", "x/2.mp4"], cache.Clips.Select(c => c.Item));
        Assert.All(cache.Clips, clip => Assert.Equal((4, 16, 16, "x", 1.0), (clip.NumFrames, clip.Width, clip.Height, clip.Label, clip.Duration)));
        Assert.Equal(ledger, await File.ReadAllTextAsync(Path.Combine(folder, "ledger.jsonl"), Ct));
        Assert.Equal(ItemState.Failed, cache.ReadLedger()["x/bad.mp4"].State);
        var old = System.Text.Json.Nodes.JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "manifest", "000001.json"), Ct))!["mel"]!;
        Assert.Equal(((double)old["mean"]!, (double)old["std"]!), (cache.Manifest.Mel.Mean, cache.Manifest.Mel.Std));
        Assert.Empty(CacheVerifier.Verify(folder, ct: Ct).Errors);
        using (ClipReader reader = new(cache))
        {
            foreach (var clip in cache.Clips)
            {
                reader.ReadFrames(clip, 0, clip.NumFrames, new byte[clip.NumFrames * clip.FrameBytes]);
            }
        }

        await new CacheEditor(folder, TimeProvider.System).VacuumAsync(TimeSpan.Zero, Ct);
        Assert.Single(Directory.GetFiles(Path.Combine(folder, "shards")));
        Assert.Empty(CacheVerifier.Verify(folder, ct: Ct).Errors);
    }

    private Task<int> RemoveAsync(string where) => new CacheEditor(_folder.Cache, TimeProvider.System).RemoveAsync(ClipFilter.Parse([where]), Ct);

    private async Task WriteAsync(params string[] ids) => await Clips.WriteAsync(_folder.Cache, ids.Select(id => Clips.Make(id, item: SegmentId.Split(id).Item)));

    // Files of the cache in which a frame of the clip can be found.
    private string[] Holding(ClipRecord clip) => [.. Directory.GetFiles(_folder.Cache, "*", SearchOption.AllDirectories)
        .Where(f => File.ReadAllBytes(f).AsSpan().IndexOf(clip.Frames.Span[..100]) >= 0 || File.ReadAllBytes(f).AsSpan().IndexOf(clip.Mel.Span) >= 0)];

    private sealed record Scored
    {
        public required string Id { get; init; }

        public double Score { get; init; }

        public string? Label { get; init; }

        public IReadOnlyList<string> Tags { get; init; } = [];
    }
}
