using System.Text;

namespace Xkd.Storage.Tests;

/// <summary>What every place for a cache has to hold; each derived class runs it on one.</summary>
public abstract class StoreTests
{
    private static readonly ClipRecord[] Ten = [.. Enumerable.Range(0, 10).Select(i => Clips.Make($"clip {i:D2}", frames: 3 + (i % 3), samples: 0))];

    protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Whether several processes may write at once here.</summary>
    protected virtual bool TakesSeveralWriters => true;

    private protected abstract ICacheStore Open();

    [Fact]
    public void Files_PutReadReplacedAndRemoved_AreWhatWasPut()
    {
        using var store = Open();
        store.Prepare();
        Assert.True(store.TryPut("manifest/000001.json", "one"u8.ToArray(), "a"));
        Assert.False(store.TryPut("manifest/000001.json", "two"u8.ToArray(), "b"));
        store.Replace("ledger.jsonl", "a", file => file.Write("first"u8));
        store.Replace("ledger.jsonl", "b", file => file.Write("second, longer"u8));

        Assert.Equal("one", Text(store.TryRead("manifest/000001.json")));
        Assert.Equal("second, longer", Text(store.TryRead("ledger.jsonl")));
        Assert.Equal("second", Text(store.TryRead("ledger.jsonl", 6)));
        using (var stream = store.TryOpen("ledger.jsonl")!)
        {
            Assert.Equal("second, longer", new StreamReader(stream).ReadToEnd());
        }

        Assert.Equal([new StoredFile("manifest/000001.json", 3)], store.List(CacheLayout.Manifests));
        Assert.Equal([new StoredFile("ledger.jsonl", 14)], store.List(CacheLayout.Top));
        Assert.Null(store.TryRead("manifest/000002.json"));
        Assert.Null(store.TryOpen("manifest/000002.json"));
        Assert.Empty(store.List("shards/"));
        store.Delete("ledger.jsonl");
        store.Delete("ledger.jsonl");
        Assert.Null(store.TryRead("ledger.jsonl"));
    }

    [Fact]
    public void Publish_StagedFile_IsSeenOnlyThenAndWhole()
    {
        using var store = Open();
        store.Prepare();
        var bytes = new byte[(2 << 16) + 12345]; // in three pieces where it goes in pieces
        new Random(3).NextBytes(bytes);
        var staged = store.Stage("shards/a-000001.parquet", "a");
        using (staged.Stream)
        {
            staged.Stream.Write(bytes);
        }

        Assert.DoesNotContain(store.List(CacheLayout.Shards), f => f.Name == "shards/a-000001.parquet");
        store.Publish(staged, "shards/a-000001.parquet");
        Assert.Equal(new StoredFile("shards/a-000001.parquet", bytes.Length), Assert.Single(store.List(CacheLayout.Shards)));
        Assert.False(File.Exists(staged.Path));
        using var copy = store.Fetch("shards/a-000001.parquet");
        Assert.True(bytes.AsSpan().SequenceEqual(File.ReadAllBytes(copy.Path)));
    }

    [Fact]
    public async Task Commit_SmallCache_ReadsBackAndVerifies()
    {
        await WriteAsync("main", Ten);
        var store = Open();
        var cache = Cache.Open(store);
        Assert.Equal(Ten.Select(c => c.Id), cache.Clips.Select(c => c.Id));
        Assert.All(Ten, clip => Clips.AssertSame(clip, cache));
        Assert.Equal(10, cache.ReadLedger().Count);
        var report = CacheVerifier.Verify(store, ct: Ct);
        Assert.True(report.Ok, string.Join("; ", report.Errors));
        Assert.Equal(10, report.Rows);
    }

    [Fact]
    public async Task Commit_AfterAWriterThatDiedBeforeItsManifest_LeavesNothingOver()
    {
        await WriteAsync("main", Ten[..4]);
        using (var dying = Open())
        {
            var staged = dying.Stage(CacheLayout.File(CacheLayout.Shards, "main", 2, dying.WriterMark), "main");
            await staged.Stream.DisposeAsync();
            dying.Publish(staged, CacheLayout.File(CacheLayout.Shards, "main", 2, dying.WriterMark));
        }

        await WriteAsync("main", Ten[4..]);
        using var store = Open();
        var cache = Cache.Open(store);
        Assert.Equal((2, 10), (cache.Manifest.Version, cache.Clips.Count));
        Assert.Equal(cache.Manifest.Shards.Select(s => s.Path).Order(StringComparer.Ordinal), store.List(CacheLayout.Shards).Select(f => f.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Open_EarlierVersion_ShowsThatOne()
    {
        await WriteAsync("main", Ten[..4]);
        await WriteAsync("main", Ten[4..]);
        using var store = Open();
        Assert.Equal(4, Cache.Open(store, version: 1).Clips.Count);
        Assert.Contains("no version 7", Assert.Throws<UsageException>(() => Cache.Open(store, version: 7)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_NothingCommitted_SaysHowToMakeACache()
    {
        using var store = Open();
        var message = Assert.Throws<UsageException>(() => Cache.Open(store)).Message;
        Assert.Contains($"xkd ingest --out {store.Location}", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Commit_ManyWritersAtOnce_LosesNoCommit()
    {
        Assert.SkipUnless(TakesSeveralWriters, "one writer at a time here: the service does not put conditionally");
        await Parallel.ForAsync(0, 4, Ct, async (part, ct) =>
        {
            await using var writer = await OpenAsync($"p{part}");
            for (var i = 0; i < 4; i++)
            {
                await writer.AddAsync(Clips.Make($"{part}-{i}", frames: 1));
                await writer.CommitAsync(ct);
            }
        });
        using var store = Open();
        var cache = Cache.Open(store);
        Assert.Equal((16, 16), (cache.Manifest.Version, cache.Clips.Count));
        Assert.Equal(16, Text(store.TryRead(CacheLayout.Ledger)).Count(c => c == '\n'));
        Assert.Empty(CacheVerifier.Verify(store, ct: Ct).Errors);
    }

    [Fact]
    public void Replace_ByManyAtOnce_LeavesWhatOneOfThemWrote()
    {
        Assert.SkipUnless(TakesSeveralWriters, "one writer at a time here: the service does not put conditionally");
        Parallel.For(1, 5, writer =>
        {
            using var store = Open();
            store.Prepare();
            for (var i = 0; i < 25; i++)
            {
                store.Replace(CacheLayout.Ledger, $"p{writer}", file => file.Write(new byte[100 * writer])); // another's length in between is no damage
            }
        });
        using var read = Open();
        Assert.Contains(read.TryRead(CacheLayout.Ledger)!.Length, new[] { 100, 200, 300, 400 });
    }

    [Fact]
    public async Task TryLock_PartThatIsHeld_IsRefusedUntilItsWriterIsDone()
    {
        using var other = Open();
        other.Prepare();
        await using (var writer = await OpenAsync("one"))
        {
            Assert.Null(other.TryLock("one"));
        }

        using var held = other.TryLock("one");
        Assert.NotNull(held);
        held.Require();
    }

    private protected async Task WriteAsync(string part, IEnumerable<ClipRecord> clips)
    {
        await using var writer = await OpenAsync(part);
        await writer.AddAsync([.. clips]);
        await writer.CommitAsync(Ct);
    }

    private protected Task<CacheWriter> OpenAsync(string part) =>
        CacheWriter.OpenAsync(Open(), Clips.Fingerprint, new CacheWriterOptions { Part = part }, TimeProvider.System, Ct);

    private protected static string Text(byte[]? bytes) => Encoding.UTF8.GetString(bytes!);
}
