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

    /// <summary>Vacuum takes away what the next number is judged by: the writer that slept would put a version there that no reader looks at.</summary>
    [Fact]
    public async Task Commit_VersionsItStoodOnWereVacuumed_IsInTheNewest()
    {
        using TempFolder folder = new();
        await using var slept = await Clips.OpenAsync(folder.Cache, Part("one"));
        await slept.AddAsync(Clips.Make("a"));
        await slept.CommitAsync(Ct);
        await using (var other = await Clips.OpenAsync(folder.Cache, Part("two")))
        {
            Commit(other, "b");
            Commit(other, "c");
        }

        await new CacheEditor(folder.Cache, TimeProvider.System).VacuumAsync(TimeSpan.Zero, Ct);
        var before = Files();
        await slept.AddAsync(Clips.Make("d"));
        await slept.CommitAsync(Ct);

        Assert.Equal(["a", "b", "c", "d"], Cache.Open(folder.Cache).Clips.Select(c => c.Id));
        Assert.Equal(["a", "b", "c", "d"], Cache.Open(folder.Cache).ReadLedger().Keys.Order(StringComparer.Ordinal));
        Assert.Empty(CacheVerifier.Verify(folder.Cache, ct: Ct).Errors);
        Assert.Equal(before.Length + 1, Files().Length); // no version is left where nobody looks
        string[] Files() => Directory.GetFiles(folder.In("manifest"));
    }

    /// <summary>The same look, but the version was in force, and others have grown from it by then.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Commit_VacuumedRightAfterItsPut_IsNoFailure(bool othersCommit)
    {
        using TempFolder folder = new();
        var vacuum = false;
        var store = WatchedStore.Of(new LocalStore(folder.Cache, new LocalFileSystem()), reading: name =>
        {
            if (vacuum && name == "manifest/000002.json")
            {
                vacuum = false;
                if (othersCommit)
                {
                    Clips.OpenAsync(folder.Cache, Part("two")).ContinueWith(other => Commit(other.Result, "other"), TaskScheduler.Default).Wait(Ct);
                }

                new CacheEditor(folder.Cache, TimeProvider.System).VacuumAsync(TimeSpan.Zero, Ct).Wait(Ct);
            }
        });
        await using var writer = await CacheWriter.OpenAsync(store, Clips.Fingerprint, Part("one"), TimeProvider.System, Ct);
        Commit(writer, "a");
        Commit(writer, "b");
        await writer.AddAsync(Clips.Make("c"));
        vacuum = true;
        await writer.CommitAsync(Ct);
        Commit(writer, "d");

        Assert.False(vacuum);
        string[] expected = ["a", "b", "c", "d", .. othersCommit ? ["other"] : Array.Empty<string>()];
        Assert.Equal(expected, Cache.Open(folder.Cache).Clips.Select(c => c.Id));
        Assert.Empty(CacheVerifier.Verify(folder.Cache, ct: Ct).Errors);
    }

    [Fact]
    public async Task Merge_OthersCommitMeanwhile_IsDoneOnceAndTakesItsPlaceInTheirVersion()
    {
        using TempFolder folder = new();
        await using var other = await Clips.OpenAsync(folder.Cache, Part("two"));
        var (merging, forestalled) = (false, 0);
        var store = WatchedStore.Of(new LocalStore(folder.Cache, new LocalFileSystem()), putting: name =>
        {
            merging |= name.StartsWith("index/one-000033", StringComparison.Ordinal);
            if (merging && name.StartsWith("manifest/", StringComparison.Ordinal) && forestalled++ < 3)
            {
                Commit(other, $"other{forestalled}");
            }
        });
        await using (var writer = await CacheWriter.OpenAsync(store, Clips.Fingerprint, Part("one"), TimeProvider.System, Ct))
        {
            for (var i = 0; i < 32; i++)
            {
                Assert.False(merging);
                await writer.AddAsync(Clips.Make($"{i:d2}", frames: 1));
                await writer.CommitAsync(Ct);
            }
        }

        Assert.Equal(4, forestalled);
        var cache = Cache.Open(folder.Cache);
        Assert.Equal([1, 0, 0, 0], cache.Manifest.Segments.Select(s => s.Level));
        Assert.Equal([32, 1, 1, 1], cache.Manifest.Segments.Select(s => s.Rows));
        Assert.Equal(36, Directory.GetFiles(folder.In("index")).Length);
        Assert.Equal(35, cache.ReadLedger().Count);
        Assert.Empty(CacheVerifier.Verify(folder.Cache, ct: Ct).Errors);
    }

    /// <summary>A removal of the version that the merge was to be hides a clip of what was merged; all of it written anew makes the merge void.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Merge_EditedMeanwhile_StaysExactAndLeavesNothing(bool compact)
    {
        using TempFolder folder = new();
        var (merging, edited) = (false, false);
        var store = WatchedStore.Of(new LocalStore(folder.Cache, new LocalFileSystem()), putting: name =>
        {
            if (merging && !edited && name.StartsWith("manifest/", StringComparison.Ordinal))
            {
                edited = true;
                CacheEditor editor = new(folder.Cache, TimeProvider.System);
                Task edit = compact ? editor.CompactAsync(Ct) : editor.RemoveAsync(ClipFilter.Parse(["id=one07"], null), Ct);
                edit.GetAwaiter().GetResult();
            }

            merging |= name.StartsWith("index/one-000033", StringComparison.Ordinal);
        });
        await using (var writer = await CacheWriter.OpenAsync(store, Clips.Fingerprint, Part("one"), TimeProvider.System, Ct))
        {
            for (var i = 0; i < 32; i++)
            {
                Commit(writer, $"one{i:d2}");
            }
        }

        Assert.True(edited);
        var cache = Cache.Open(folder.Cache);
        Assert.Equal(compact ? 32 : 31, cache.Clips.Count);
        Assert.Equal(compact, cache.Clips.Any(c => c.Id == "one07"));
        Assert.Equal(compact ? [2] : new[] { 1, 0 }, cache.Manifest.Segments.Select(s => s.Level));
        Assert.Equal(33, Directory.GetFiles(folder.In("index")).Length); // 32, and the merged one or the compact one
        Assert.Empty(CacheVerifier.Verify(folder.Cache, ct: Ct).Errors);
    }

    /// <summary>Whoever was to merge has died: the next to complete a group does, and nobody between tries.</summary>
    [Fact]
    public async Task Merge_WriterDied_IsDoneWithTheNextGroup()
    {
        using TempFolder folder = new();
        var store = WatchedStore.Of(new LocalStore(folder.Cache, new LocalFileSystem()), putting: name =>
        {
            if (name.StartsWith("index/one-000033", StringComparison.Ordinal))
            {
                throw new IOException("it died");
            }
        });
        await using (var writer = await CacheWriter.OpenAsync(store, Clips.Fingerprint, Part("one"), TimeProvider.System, Ct))
        {
            for (var i = 0; i < 31; i++)
            {
                Commit(writer, $"one{i}");
            }

            Assert.Throws<FailureException>(() => Commit(writer, "one31"));
        }

        await using var other = await Clips.OpenAsync(folder.Cache, Part("two"));
        for (var i = 0; i < 31; i++)
        {
            Commit(other, $"two{i}");
        }

        Assert.Equal(63, Cache.Open(folder.Cache).Manifest.Segments.Count);
        Commit(other, "two31");
        Assert.Equal([1, 1], Cache.Open(folder.Cache).Manifest.Segments.Select(s => s.Level));
        Assert.Equal(64, Cache.Open(folder.Cache).Clips.Count);
        Assert.Empty(CacheVerifier.Verify(folder.Cache, ct: Ct).Errors);
    }

    /// <summary>A commit that others forestalled for a second is followed by twenty without one: full shards wait for the next, and nothing of them is lost.</summary>
    [Fact]
    public async Task Settle_OthersWereFaster_FullShardsWait()
    {
        using TempFolder folder = new();
        await using var other = await Clips.OpenAsync(folder.Cache, Part("two"));
        ManualTime time = new();
        var faster = true;
        var store = WatchedStore.Of(new LocalStore(folder.Cache, new LocalFileSystem()), putting: name =>
        {
            if (faster && name.StartsWith("manifest/", StringComparison.Ordinal))
            {
                faster = false;
                time.Advance(TimeSpan.FromSeconds(1));
                Commit(other, "other");
            }
        });
        await using var writer = await CacheWriter.OpenAsync(store, Clips.Fingerprint, Part("one") with { ShardRows = 2 }, time, Ct);
        await writer.AddAsync(Clips.Make("a"), Clips.Make("b"));
        Assert.Equal(3, Cache.Open(folder.Cache).Clips.Count);

        await writer.AddAsync(Clips.Make("c"), Clips.Make("d"));
        time.Advance(TimeSpan.FromSeconds(19));
        await writer.AddAsync(Clips.Make("e"), Clips.Make("f"));
        Assert.Equal(3, Cache.Open(folder.Cache).Clips.Count);
        time.Advance(TimeSpan.FromSeconds(1));
        await writer.AddAsync(Clips.Make("g"), Clips.Make("h"));
        Assert.Equal(9, Cache.Open(folder.Cache).Clips.Count);
        await writer.AddAsync(Clips.Make("i"), Clips.Make("j")); // nobody was faster this time
        Assert.Equal(11, Cache.Open(folder.Cache).Clips.Count);
        Assert.Empty(CacheVerifier.Verify(folder.Cache, ct: Ct).Errors);
    }

    /// <summary>A large cache: what other parts add is looked at, not kept.</summary>
    [Fact]
    public async Task Commit_OthersAddToALargeCache_TheirLinesAreNotHeld()
    {
        using TempFolder folder = new();
        await using var one = await Clips.OpenAsync(folder.Cache, Part("one"));
        await using var two = await Clips.OpenAsync(folder.Cache, Part("two"));
        await SettleAsync(one, 0, CacheWriter.SmallLedger + 1);
        await SettleAsync(two, 5000, 100);
        await SettleAsync(one, 2000, 1);
        Assert.Equal(CacheWriter.SmallLedger + 2, one.Ledger.Count);
        Assert.Equal(CacheWriter.SmallLedger + 102, Cache.Open(folder.Cache).ReadLedger().Count);
        var known = await Assert.ThrowsAsync<UsageException>(() => one.SettleAsync(Clips.Failed("5050"), Ct));
        Assert.Contains("item 5050 was settled by another process", known.Message, StringComparison.Ordinal);

        await one.AddAsync(Clips.Make("both"));
        await two.AddAsync(Clips.Make("both"));
        await two.CommitAsync(Ct);
        var e = await Assert.ThrowsAsync<FailureException>(() => one.CommitAsync(Ct));
        Assert.Contains("item both was committed by another process", e.Message, StringComparison.Ordinal);

        static async Task SettleAsync(CacheWriter writer, int first, int count)
        {
            for (var i = first; i < first + count; i++)
            {
                await writer.SettleAsync(Clips.Failed($"{i}"), Ct);
            }

            await writer.CommitAsync(Ct);
        }
    }

    private static void Commit(CacheWriter writer, string clip)
    {
        writer.AddAsync(Clips.Make(clip, frames: 1)).GetAwaiter().GetResult();
        writer.CommitAsync(Ct).GetAwaiter().GetResult();
    }

    private static CacheWriterOptions Part(string part) => new() { Part = part };
}
