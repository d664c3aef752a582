using Xkd.Model.Method;
using Xkd.Model.Training;
using Xkd.Storage;

namespace Xkd.Model.Tests.Training;

/// <summary>A run over views: several caches, weights, conditions and lists of ids.</summary>
public sealed class RunDataTests
{
    [Fact]
    public async Task Train_WeightedMixOfFilteredCaches_ResumesAtTheSameLosses()
    {
        using SmallRun small = new(), other = new();
        await small.AddClipsAsync(0, 9);
        await other.AddClipsAsync(20, 6);
        var config = Config("id!=clip004.mp4");
        string[] data = [$"{small.Cache}@2", other.Cache];
        await TrainAsync(small, config, data, "whole", 8);
        await TrainAsync(small, config, data, "parts", 3);
        await small.AddClipsAsync(50, 3); // a run stays with what it began on
        await TrainAsync(small, config, [], "parts", 8, ResumeMode.Required);
        Assert.Equal(Losses(small, "whole"), Losses(small, "parts"));

        var origin = new RunFolder(small.Run("parts")).ReadOrigin()!;
        Assert.Equal([(small.Cache, 2.0, 8), (other.Cache, null, 6)], origin.Caches.Select(c => (c.Cache, c.Weight, c.Clips)));
    }

    [Fact]
    public async Task Train_CachesOfTheConfiguration_AreThoseOfTheCommand()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 6);
        await TrainAsync(small, Config(), [small.Cache], "command", 2);
        await TrainAsync(small, Config() with { Data = Config().Data with { Caches = [small.Cache] } }, [], "configuration", 2);
        Assert.Equal(Losses(small, "command"), Losses(small, "configuration"));
    }

    [Fact]
    public async Task Train_IdsFile_IsTheCacheOfThoseClips()
    {
        using SmallRun small = new(), few = new();
        await small.AddClipsAsync(0, 9);
        await few.AddClipsAsync(2, 5);
        var ids = Path.Combine(small.Root, "ids.txt");
        await File.WriteAllLinesAsync(ids, Enumerable.Range(2, 5).Select(i => $"clip{i:D3}.mp4"), TestContext.Current.CancellationToken);
        await TrainAsync(small, Config() with { Data = Config().Data with { Ids = ids } }, [small.Cache], "ids", 4);
        await TrainAsync(few, Config(), [few.Cache], "few", 4);
        Assert.Equal(Losses(few, "few"), Losses(small, "ids")); // the log-mel statistics are those of the selected clips, too
    }

    [Theory]
    [InlineData("id=nothing", "no clip with id=nothing")]
    [InlineData("colour=red", "no column colour")]
    public async Task Train_ConditionThatLeavesNothingOrNamesNoColumn_IsRefused(string where, string named)
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 6);
        var error = await Assert.ThrowsAsync<UsageException>(() => TrainAsync(small, Config(where), [small.Cache], "run", 1));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(small.Run("run")));
    }

    [Fact]
    public async Task Train_ResumedOnAnotherView_IsRefused()
    {
        using SmallRun small = new(), other = new();
        await small.AddClipsAsync(0, 6);
        await other.AddClipsAsync(20, 6);
        await TrainAsync(small, Config(), [small.Cache, other.Cache], "run", 1);
        await Refused("data.where was []", Config("id!=clip001.mp4"), [small.Cache, other.Cache]);
        await Refused("as many caches with the same weights", Config(), [small.Cache]);
        await Refused("as many caches with the same weights", Config(), [$"{small.Cache}@3", other.Cache]);
        await Refused("which are not the 6", Config(), [other.Cache, small.Cache]);
        await Refused("a weight of 0", Config(), [$"{small.Cache}@0", other.Cache]);

        async Task Refused(string named, PretrainConfig config, string[] data) => Assert.Contains(
            named, (await Assert.ThrowsAsync<UsageException>(() => TrainAsync(small, config, data, "run", 2, ResumeMode.Required))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_NoCacheNamed_SaysWhereToNameOne()
    {
        using SmallRun small = new();
        Assert.Contains("--data CACHE", (await Assert.ThrowsAsync<UsageException>(() => TrainAsync(small, Config(), [], "run", 1))).Message, StringComparison.Ordinal);
    }

    private static PretrainConfig Config(params string[] where) => SmallRun.Config() with { Data = SmallRun.Config().Data with { Where = where } };

    private static Task<TrainResult> TrainAsync(SmallRun small, PretrainConfig config, string[] data, string run, long steps, ResumeMode resume = ResumeMode.Never) => new Trainer(
        new TrainerOptions { Config = config, Data = data, Out = small.Run(run), MaxSteps = steps, Resume = resume, Device = "cpu" }, TimeProvider.System, new SmallRun.Notes()).RunAsync(TestContext.Current.CancellationToken);

    private static double[] Losses(SmallRun small, string run) => [.. small.Metrics(run).Select(m => m.Loss)];
}
