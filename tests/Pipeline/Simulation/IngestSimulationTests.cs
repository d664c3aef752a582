using Xkd.Bench;

namespace Xkd.Pipeline.Tests.Simulation;

/// <summary>The simulation of ingest by many workers, where its result is known without it.</summary>
public sealed class IngestSimulationTests
{
    private static readonly IngestModel Ideal = new()
    {
        Clips = 64_000, Workers = 10, Cores = 1, ClipSeconds = 0.1, ClipCpu = 0.1, ShardRows = 64, StartSeconds = 5, Bandwidth = 1e15, Requests = 1e12,
        CommitSeconds = 0, PutSeconds = 0, FollowSeconds = 0, MergePerRow = 0, CommitInterval = 30, Jitter = 0,
    };

    [Fact]
    public void Run_WithoutCosts_TakesTheLargestPart()
    {
        var outcome = Run(Ideal with { Parts = [1000, 3000, 2000] });
        Assert.Equal(5 + 300, outcome.Seconds, 1e-6);
        Assert.Equal((6000, 0), (outcome.Done, outcome.Failures));
        Assert.Equal(15 + 600, outcome.CoreSeconds, 1e-6);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(3000)]
    public void Run_PartsByHash_HoldEveryClipOnce(int workers) => Assert.Equal(64_000, Run(Ideal with { Workers = workers }).Done);

    [Theory]
    [InlineData(1, 0.1)] // one process cannot use the second core
    [InlineData(2, 0.1)]
    [InlineData(4, 0.2)] // four share two
    public void Run_CoresAreShared_EachHasItsShare(int workers, double clip)
    {
        var outcome = Run(Ideal with { Parts = [.. Enumerable.Repeat(1000L, workers)], SharedCores = 2 });
        Assert.Equal(5 + (1000 * clip), outcome.Seconds, 1);
    }

    [Fact]
    public void Run_StoreIsSlow_ItsBandwidthDecides()
    {
        var outcome = Run(Ideal with { Bandwidth = 1e6, SourceBytes = 0, CacheBytes = 1e6, Parts = [100, 100] });
        Assert.Equal(5 + 200, outcome.Seconds, 1);
    }

    [Fact]
    public void Run_CommitsTakeTime_AreAsManyAsShards()
    {
        var outcome = Run(Ideal with { Parts = [6400], CommitSeconds = 0.5, ShardBytes = 1e12, CommitInterval = 1e9 });
        Assert.Equal(100, outcome.Commits);
        Assert.InRange(outcome.Seconds, 5 + 640, 5 + 640 + 50); // what is decoded meanwhile is not lost
        Assert.True(outcome.Committing > 0);
    }

    [Fact]
    public void Run_IntervalIsShorterThanAShard_CommitsByTheClock() =>
        Assert.InRange(Run(Ideal with { Parts = [6400], ShardRows = 1_000_000, ShardBytes = 1e15 }).Commits, 640 / 30, (640 / 30) + 1);

    [Fact]
    public void Run_TwoPutAtOnce_OneFollowsTheOther()
    {
        var outcome = Run(Ideal with { Parts = [64, 64], CommitSeconds = 1, PutSeconds = 1, FollowSeconds = 2 });
        Assert.Equal((2, 1), (outcome.Commits, outcome.Conflicts));
        Assert.Equal(5 + 6.4 + 1 + 2 + 1, outcome.Seconds, 1e-6); // its put is in vain, it reads the other's, and puts again
        Assert.Equal((2 + 1) / (5 + 6.4 + 1 + 5 + 6.4 + 4), outcome.Conflicting, 1e-6);
    }

    [Fact]
    public void Run_WorkersDie_LoseWhatIsNotCommittedAndDoItAgain()
    {
        var model = Ideal with { Parts = [10_000, 10_000], FailureEvery = 500, RestartSeconds = 60 };
        var outcome = Run(model);
        Assert.Equal(20_000, outcome.Done);
        Assert.True(outcome.Failures > 0);
        Assert.InRange(outcome.Failing * outcome.CoreSeconds, outcome.Failures * 65.0, outcome.Failures * (65 + 6.5));
        Assert.Equal((2 * 5) + 2000, outcome.CoreSeconds * (1 - outcome.Failing), 1e-3); // the rest is two starts, and each clip once
    }

    [Fact]
    public void Run_ManyCommits_SegmentsAreMergedByThirtyTwo()
    {
        var outcome = Run(Ideal with { Parts = [64 * 1100] });
        Assert.Equal(1100, outcome.Commits);
        Assert.Equal(1 + ((1100 - 1024) / 32) + ((1100 - 1024) % 32), outcome.Segments);
    }

    [Fact]
    public void Run_MergesAreSlowerThanCommitsOfOthers_AreKept()
    {
        var outcome = Run(Ideal with { Parts = [.. Enumerable.Repeat(6400L, 50)], MergePerRow = 1e-3 });
        Assert.Equal(5000, outcome.Commits);
        Assert.InRange(outcome.Segments, (5000 / 1024) + 1, (5000 / 1024) + (3 * 31));
    }

    [Fact]
    public void Run_OthersWereFaster_FullShardsWait()
    {
        // Both fill a shard at once; the second puts in vain, so that its next shards wait for twenty times its commit. After that they are out of step.
        var model = Ideal with { Parts = [6400, 6400], CommitSeconds = 1, PutSeconds = 1, CommitInterval = 1e9 };
        Assert.Equal(200, Run(model with { RestAfter = 0 }).Commits);
        Assert.Equal(200 - 5, Run(model).Commits); // 20 times 2 s are 6.25 shards, which become one commit
        Assert.Equal(12_800, Run(model).Done);
    }

    [Fact]
    public void Run_SameSeed_IsTheSame()
    {
        var model = Ideal with { FailureEvery = 1000, CommitSeconds = 0.01 };
        Assert.Equal(Run(model), Run(model));
        Assert.NotEqual(Run(model), Run(model with { Seed = 2 }));
    }

    private static IngestOutcome Run(IngestModel model) => new IngestSimulation(model).Run();
}
