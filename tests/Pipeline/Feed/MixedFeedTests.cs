using Xkd.Storage;

namespace Xkd.Pipeline.Tests;

/// <summary>One feed over several caches.</summary>
public sealed class MixedFeedTests : IDisposable
{
    private const int Steps = 40;

    private readonly string _folder = Directory.CreateTempSubdirectory("xkd-mix").FullName;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static FeedOptions Options => FakeClips.Options with { BatchSize = 4, LocalVideoViews = 1 };

    [Fact]
    public async Task ReadAsync_OneMemberWithoutWeight_IsTheCacheItself()
    {
        var whole = await SampleTrace.ReadAsync(new FakeClips(23), Options, 0, 20);
        Assert.Equal(whole, await SampleTrace.ReadAsync(new MixedSource([(new FakeClips(23), null)]), Options, 0, 20));
        Assert.Equal(whole, await SampleTrace.ReadAsync(new MixedSource([(new FakeClips(23), 0.3)]), Options, 0, 20));
    }

    [Theory]
    [InlineData(ClipOrderKind.Uniform)]
    [InlineData(ClipOrderKind.Block)]
    public async Task ReadAsync_NoWeights_VisitsTheClipsOfAllOnceAnEpoch(ClipOrderKind order)
    {
        List<(int Epoch, long Clip, string Id)> seen = [];
        var options = Options with { Order = order, OrderBlock = 3, OrderWindow = 3 };
        await ReadAsync(Mix(null, null), options, 22, batch => seen.AddRange(batch.ClipIndices.Zip(batch.ClipIds, (c, id) => (batch.Epoch, c, id))));
        foreach (var epoch in seen.GroupBy(s => s.Epoch))
        {
            Assert.Equal(Enumerable.Range(0, 44), epoch.Select(s => (int)s.Clip).Order());
        }

        Assert.All(seen, s => Assert.Equal($"clip{(s.Clip < 24 ? s.Clip : s.Clip - 24):D4}", s.Id));
        if (order == ClipOrderKind.Uniform)
        {
            GlobalOrder expected = new(44, Options.Seed);
            Assert.Equal(Enumerable.Range(0, 44).Select(p => expected.ClipAt(0, p)), seen.Take(44).Select(s => s.Clip));
        }
    }

    [Fact]
    public async Task ReadAsync_Weights_DrawsByThemAndNoClipTwiceAnEpoch()
    {
        // 24 clips at weight 2 and 20 at 1: of 36 an epoch, 24 and 12.
        List<(int Epoch, long Clip)> seen = [];
        await ReadAsync(Mix(2, null), Options, 90, batch => seen.AddRange(batch.ClipIndices.Select(c => (batch.Epoch, c))));
        Assert.All(seen.GroupBy(s => s.Epoch), epoch =>
        {
            Assert.Equal((24, 12), (epoch.Count(s => s.Clip < 24), epoch.Count(s => s.Clip >= 24)));
            Assert.Equal(36, epoch.Distinct().Count());
        });
        Assert.Equal(20, seen.Select(s => s.Clip).Where(c => c >= 24).Distinct().Count()); // other clips are left out each epoch
    }

    [Theory]
    [InlineData(SampleUnit.PerClip)]
    [InlineData(SampleUnit.PerVideo)]
    public async Task ReadAsync_RestoredAtEveryStep_RepeatsTheRest(SampleUnit unit)
    {
        var options = Options with { Sample = unit };
        var whole = await SampleTrace.ReadAsync(Mix(2, 0.7, unit), options with { Workers = 1, Readers = 1 }, 0, Steps);
        Assert.Equal(4 * Steps, whole.Select(s => s.Bytes).Distinct().Count());
        Assert.NotEqual(whole, await SampleTrace.ReadAsync(Mix(2, 0.6, unit), options, 0, Steps)); // another mix is seen
        for (var first = 1; first < Steps; first++)
        {
            Assert.Equal(whole.Skip(4 * first), await SampleTrace.ReadAsync(Mix(2, 0.7, unit), options, first, Steps));
        }
    }

    [Fact]
    public async Task ReadAsync_FourRanksThenTwo_IsTheSameGlobalSequence()
    {
        var whole = await SampleTrace.ReadAsync(Mix(2, 0.7), Options, 0, Steps);
        Assert.Equal(whole, [.. await GlobalAsync(4, 0, 13), .. await GlobalAsync(2, 13, Steps)]);

        static async Task<List<SampleTrace>> GlobalAsync(int ranks, long first, long end)
        {
            List<SampleTrace> all = [];
            for (var rank = 0; rank < ranks; rank++)
            {
                all.AddRange(await SampleTrace.ReadAsync(Mix(2, 0.7), Options with { Ranks = ranks, Rank = rank }, first, end));
            }

            return [.. all.OrderBy(s => s.Step)];
        }
    }

    [Fact]
    public async Task ReadAsync_VideosOfTheSameNameInTwoCaches_AreTwo()
    {
        // The last of the first cache and the first of the second are both called video00.
        MixedSource mix = new([(FakeVideos.Of([3], name: "a"), null), (FakeVideos.Of([4, 2], name: "b"), null)]);
        List<(int Epoch, long First)> seen = [];
        await ReadAsync(mix, Options with { Sample = SampleUnit.PerVideo, BatchSize = 3 }, 40, batch =>
        {
            seen.AddRange(batch.ClipIndices.Select(c => (batch.Epoch, c)));
            Assert.All(batch.Plans, p => Assert.InRange(p.Stretch.Count, 1, p.Stretch.Index < 3 ? 3 : 4));
        });
        Assert.All(seen.GroupBy(s => s.Epoch), epoch => Assert.Equal([0, 1, 2], epoch.Select(s => s.First switch { < 3 => 0, < 7 => 1, _ => 2 }).Order()));
    }

    [Fact]
    public async Task ReadAsync_DamagedRow_NamesItsCache()
    {
        MixedSource mix = new([(Named("/caches/a", 24), 2), (Named("/caches/b", 20, corrupt: [3]), null)]);
        List<DamagedRow> damaged = [];
        await ReadAsync(mix, Options with { BatchSize = 5, CorruptRows = CorruptRowPolicy.Skip }, 40, batch => damaged.AddRange(batch.Damaged));
        Assert.NotEmpty(damaged);
        Assert.All(damaged, d => Assert.StartsWith("/caches/b/shards/0.parquet, row 3, column frames", d.Detail, StringComparison.Ordinal));
        var error = await Assert.ThrowsAsync<CorruptCacheException>(() => ReadAsync(mix, Options, 40, _ => { }));
        Assert.Equal(("/caches/b/shards/0.parquet", 3), (error.Shard, error.Row));
    }

    [Fact]
    public void Constructor_CachesThatDoNotFit_AreAllNamed()
    {
        FakeClips small = new(9) { Name = "/b", Fingerprint = new FakeClips(1).Fingerprint with { ShortSide = 8 } };
        FakeClips silent = new(9, melFrames: i => i == 4 ? 0 : 60) { Name = "/c" };
        MixedSource unfit = new([(Named("/a", 9), null), (small, null), (silent, null)]);
        var error = Assert.Throws<UsageException>(() => new ClipFeed(unfit, Options));
        Assert.DoesNotContain("cache /a", error.Message, StringComparison.Ordinal);
        Assert.Contains("cache /b does not fit: short_side is 8", error.Message, StringComparison.Ordinal);
        Assert.Contains("cache /c has 1 clips without audio, the first is clip0004", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_MixThatCannotBe_NamesTheCache()
    {
        FakeClips a = Named("/a", 9), again = Named("/a", 9);
        Refused("cache /a: a weight of 0: write a positive number", (a, 0));
        Refused("cache /a: a weight of NaN", (a, double.NaN));
        Refused("cache /a: clip clip0000 is there twice", (a, null), (a, null));
        Refused("cache /a: clip clip0000 is there twice", (a, null), (again, null));
        Refused("a mix has no cache");

        static void Refused(string message, params IReadOnlyList<(IClipSource, double?)> members) =>
            Assert.Contains(message, Assert.Throws<UsageException>(() => new MixedSource(members)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_WeightsThatLeaveNothingOrBlocksOfThem_AreRefused()
    {
        Refused("cache b: a weight of 0.001", Mix(null, 0.001), Options);
        Refused("leave out the weights", Mix(2, null), Options with { Order = ClipOrderKind.Block });
        Refused("the data set has 36 clips", Mix(2, null), Options with { BatchSize = 40 });

        static void Refused(string message, IClipSource mix, FeedOptions options) =>
            Assert.Contains(message, Assert.Throws<UsageException>(() => new ClipFeed(mix, options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MelStatistics_Mix_IsOfWhatIsDrawn()
    {
        FakeClips a = new(30) { Name = "a", MelStatistics = new MelStatistics { Mean = -3, Std = 2, Values = 10 } };
        FakeClips b = new(30) { Name = "b", MelStatistics = new MelStatistics { Mean = 1, Std = 4, Values = 90 } };
        var weighted = new MixedSource([(a, 3), (b, null)]).MelStatistics;
        Assert.Equal(-2, weighted.Mean, 1e-12); // 3/4 of -3, 1/4 of 1
        Assert.Equal(Math.Sqrt((0.75 * (4 + 9)) + (0.25 * (16 + 1)) - 4), weighted.Std, 1e-12); // E[x²] - mean²
        Assert.True(weighted.Any);
        Assert.Equal(-1, new MixedSource([(a, null), (b, null)]).MelStatistics.Mean, 1e-12); // 30 clips each
        Assert.Same(a.MelStatistics, new MixedSource([(a, 3)]).MelStatistics);
        MixedSource lacking = new([(a, null), (new FakeClips(9) { Name = "c", MelStatistics = new MelStatistics() }, null)]);
        Assert.Contains("cache c has no mel statistics", Assert.Throws<UsageException>(() => new ClipFeed(lacking, Options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadAsync_CommittedCaches_EqualTheSameClipsInMemory()
    {
        FakeClips a = Named("a", 24), b = Named("b", 20, first: 100);
        Cache first = await a.CommitAsync(Path.Combine(_folder, "a"), Token), second = await b.CommitAsync(Path.Combine(_folder, "b"), Token);
        MixMember[] mix = [new(first, 2), new(second)];
        var mel = MixMember.MelOf(mix);
        Assert.Equal(MixedSource.Of(mix, cache => new CacheClipSource(cache)).MelStatistics, mel);
        List<FeedDigest> read = [];
        await using ClipFeed feed = new(mix, Options);
        await foreach (var batch in feed.ReadAsync(0, 12, cancellationToken: Token))
        {
            using (batch)
            {
                read.Add(FeedDigest.Of(batch));
            }
        }

        var options = Options with { MelMean = mel.Mean, MelStd = mel.Std };
        Assert.Equal(await FeedDigest.ReadAsync(new MixedSource([(a, 2), (b, null)]), options, 0, 12), read);
    }

    [Fact]
    public async Task Options_OfAMix_FollowAllMembers()
    {
        FakeClips local = new(9) { Name = "a" }, bucket = new(9) { Name = "b", Requests = 32 };
        MixedSource mix = new([(local, null), (bucket, null)]);
        Assert.Equal((32, "a + b"), (mix.Requests!.Value, mix.Name));
        await new ClipFeed(mix, Options).DisposeAsync();
        Assert.True(local.Disposed && bucket.Disposed);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static FakeClips Named(string name, int count, int first = 0, IEnumerable<int>? corrupt = null) =>
        new(count, corrupt: corrupt, first: first) { Name = name };

    // 24 clips, or videos, and 20.
    private static MixedSource Mix(double? weightOfA, double? weightOfB, SampleUnit unit = SampleUnit.PerClip) => unit == SampleUnit.PerClip
        ? new([(Named("a", 24), weightOfA), (Named("b", 20), weightOfB)])
        : new([(Videos("a", 24), weightOfA), (Videos("b", 20), weightOfB)]);

    private static FakeClips Videos(string name, int count) => FakeVideos.Of([.. Enumerable.Range(0, count).Select(i => 1 + (i % 3))], name: name);

    private static async Task ReadAsync(IClipSource source, FeedOptions options, long steps, Action<HostBatch> seen)
    {
        await using ClipFeed feed = new(source, options);
        await foreach (var batch in feed.ReadAsync(0, steps, cancellationToken: Token))
        {
            using (batch)
            {
                seen(batch);
            }
        }
    }
}
