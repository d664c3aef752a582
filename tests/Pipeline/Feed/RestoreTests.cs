namespace Xkd.Pipeline.Tests;

/// <summary>Restoring at every step of a run of 200: the rest is the same clips, windows, draws and bytes, whatever the workers and ranks.</summary>
public sealed class RestoreTests
{
    private const int Clips = 23; // batches of 4: five steps an epoch, three clips beyond
    private const int Steps = 200;

    private static FeedOptions Options => FakeClips.Options with
    {
        BatchSize = 4,
        Frames = 2,
        FrameSize = 6,
        AudioFrames = 6,
        LocalVideoViews = 1,
        LocalFrames = 1,
        LocalFrameSize = 4,
        LocalAudioFrames = 3,
        VideoTokens = 3,
        AudioTokens = 2,
        Augmentation = new AugmentationOptions { LocalVideo = VideoViewOptions.Local with { BlurProbability = 0 } },
    };

    [Theory]
    [InlineData(1, ClipOrderKind.Uniform, LocalFrom.Window, SampleUnit.PerClip)]
    [InlineData(2, ClipOrderKind.Uniform, LocalFrom.Window, SampleUnit.PerVideo)]
    [InlineData(4, ClipOrderKind.Uniform, LocalFrom.Clip, SampleUnit.PerClip)]
    [InlineData(2, ClipOrderKind.Block, LocalFrom.Window, SampleUnit.PerVideo)]
    public async Task ReadAsync_RestoredAtEveryStep_RepeatsTheRest(int workers, ClipOrderKind order, LocalFrom from, SampleUnit unit)
    {
        const int batch = 2;
        var options = Options with { BatchSize = batch, Order = order, OrderBlock = 3, OrderWindow = 3, LocalFrom = from, Sample = unit };
        var whole = await SampleTrace.ReadAsync(Fake(unit), options with { Workers = 1, Readers = 1 }, 0, Steps);
        Assert.Equal(batch * Steps, whole.Count);
        Assert.Equal(whole.Count, whole.Select(s => s.Bytes).Distinct().Count());
        Assert.Equal(whole.Count, whole.Select(s => s.Drawn).Distinct().Count());
        Assert.True(whole.Select(s => (s.Clip, s.Windows)).Distinct().Count() > 350); // 23 clips, some 22 starts, 2 and 4 local ones: 20 of 400 meet by chance
        for (var first = 0; first < Steps; first++)
        {
            // The whole rest from every step for one worker; for more from every eighth, and far into where the next begins from the others.
            var end = workers == 1 || first % 8 == 0 ? Steps : Math.Min(Steps, first + 16);
            var rest = await SampleTrace.ReadAsync(Fake(unit), options with { Workers = workers, Readers = workers }, first, end);
            Assert.True(whole.Skip(batch * first).Take(batch * (end - first)).SequenceEqual(rest), $"restored at step {first}: {rest.Except(whole).FirstOrDefault()}");
        }
    }

    [Theory]
    [InlineData(ClipOrderKind.Uniform, SampleUnit.PerClip)]
    [InlineData(ClipOrderKind.Block, SampleUnit.PerVideo)]
    public async Task ReadAsync_FourRanksThenTwo_IsTheSameGlobalSequenceFromAnyStep(ClipOrderKind order, SampleUnit unit)
    {
        var options = Options with { Order = order, OrderBlock = 3, OrderWindow = 3, Sample = unit };
        var whole = await SampleTrace.ReadAsync(Fake(unit), options, 0, Steps);
        Assert.Equal(whole, await GlobalAsync(options, 4, 0, Steps));
        for (var change = 1; change < Steps; change += 13)
        {
            List<SampleTrace> changed = [.. await GlobalAsync(options, 4, change - 1, change), .. await GlobalAsync(options, 2, change, Math.Min(Steps, change + 12))];
            Assert.Equal(whole.Skip(4 * (change - 1)).Take(changed.Count), changed);
        }
    }

    [Fact]
    public async Task ReadAsync_DamagedRowsSkippedAndRestoredAtEveryStep_RepeatsTheRest()
    {
        var options = Options with { CorruptRows = CorruptRowPolicy.Skip };
        FakeClips clips = new(Clips, corrupt: [2, 11]);
        List<IReadOnlyList<int>> tails = [];
        var damaged = 0;
        var whole = await SampleTrace.ReadAsync(clips, options, 0, Steps, tailUsed: null, batch =>
        {
            tails.Add(batch.TailUsed);
            damaged += batch.Damaged.Count;
        });
        Assert.Equal(4 * Steps, whole.Count);
        Assert.InRange(damaged, 40, 80); // of 40 epochs each sees most of the two
        Assert.All(whole.GroupBy(s => s.Epoch), epoch => Assert.Equal(20, epoch.Select(s => s.Clip).Distinct().Count()));
        for (var first = 1; first < Steps; first++)
        {
            var sameEpoch = first % 5 != 0;
            Assert.Equal(whole.Skip(4 * first).Take(24), await SampleTrace.ReadAsync(clips, options, first, Math.Min(Steps, first + 6), sameEpoch ? tails[first - 1] : null));
        }
    }

    [Fact]
    public async Task ReadAsync_SkipPolicyAndAnotherNumberOfRanks_UsesNoTailPlaceTwice()
    {
        var options = Options with { CorruptRows = CorruptRowPolicy.Skip };
        FakeClips clips = new(Clips, corrupt: [.. Enumerable.Range(0, 2).Select(i => (int)new GlobalOrder(Clips, options.Seed).ClipAt(0, i * 9))]);
        List<int> used = [];
        List<SampleTrace> seen = [];
        foreach (var rank in Enumerable.Range(0, 4))
        {
            seen.AddRange(await SampleTrace.ReadAsync(clips, options with { Ranks = 4, Rank = rank }, 0, 2, tailUsed: null, batch => used.AddRange(batch.TailUsed.Except(used))));
        }

        Assert.Single(used);
        foreach (var rank in Enumerable.Range(0, 2))
        {
            seen.AddRange(await SampleTrace.ReadAsync(clips, options with { Ranks = 2, Rank = rank }, 2, 5, used));
        }

        Assert.Equal((20, 20), (seen.Count, seen.Select(s => s.Clip).Distinct().Count()));
    }

    // As many units either way: 23 clips, or 23 videos of one to three segments.
    private static FakeClips Fake(SampleUnit unit) => unit == SampleUnit.PerClip ? new FakeClips(Clips) : FakeVideos.Of([.. Enumerable.Range(0, Clips).Select(i => 1 + (i % 3))]);

    /// <summary>The samples of all ranks in the order of the steps and ranks.</summary>
    private static async Task<List<SampleTrace>> GlobalAsync(FeedOptions options, int ranks, long first, long end)
    {
        List<SampleTrace> all = [];
        foreach (var rank in Enumerable.Range(0, ranks))
        {
            all.AddRange(await SampleTrace.ReadAsync(Fake(options.Sample), options with { Ranks = ranks, Rank = rank }, first, end));
        }

        return [.. all.OrderBy(s => s.Step)]; // stable: ranks stay in order
    }
}
