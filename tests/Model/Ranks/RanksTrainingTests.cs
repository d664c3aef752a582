using Xkd.Model.Method;
using Xkd.Model.Tests.Training;
using Xkd.Model.Training;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Model.Tests.Ranks;

/// <summary>Whole runs on several ranks: what is written, who stops, and that a run goes on with another number of ranks.</summary>
[Collection(nameof(AloneCollection))]
public sealed class RanksTrainingTests
{
    // Six clips a batch split over one, two and three ranks.
    private static readonly PretrainConfig Config = SmallRun.Config() with
    {
        Batch = 6,
        Train = SmallRun.Config().Train with { LogEvery = 1, CompareEvery = 1 },
        Objective = new ObjectiveSection { AlignAllRanks = true },
    };

    [Fact]
    public async Task RunAsync_ResumedOnOtherNumbersOfRanks_TellsTheCurveOfOneRank()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 20);
        await small.TrainAsync(Config, "whole", 8);
        Train(small, 2, "elastic", 2);
        Train(small, 3, "elastic", 4, ResumeMode.Required);
        Train(small, 1, "elastic", 6, ResumeMode.Required);
        Train(small, 2, "elastic", 8, ResumeMode.Required);
        AssertSameCurve(small.Metrics("whole"), small.Metrics("elastic"));
    }

    [Fact]
    public async Task RunAsync_SeveralRanks_EqualsOneProcessInAsManyParts()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 14);
        var released = Config with { Objective = new ObjectiveSection() };
        await small.TrainAsync(released with { Train = released.Train with { Accumulate = 3 } }, "parts", 4);
        Train(small, 3, "ranks", 4, config: released);
        AssertSameCurve(small.Metrics("parts"), small.Metrics("ranks"));
    }

    [Fact]
    public async Task RunAsync_OneRankAskedToStop_AllStopAtTheSameStepWithACheckpoint()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 14);
        using CancellationTokenSource stop = new();
        var results = InProcessRanks.Run(2, ranks => small.TrainAsync(
            Config, "run", 20, ResumeMode.Never, new SmallRun.Notes(step =>
            {
                if (step == 3)
                {
                    stop.Cancel();
                }
            }), ranks: ranks, stop: ranks.IsFirst ? null : stop).GetAwaiter().GetResult());
        Assert.All(results, result => Assert.True(result.Stopped));
        Assert.Equal(results[0].Steps, results[1].Steps);
        Assert.True(Directory.Exists(Path.Combine(small.Run("run"), "checkpoints", $"step-{results[0].Steps:D8}")));
    }

    [Fact]
    public async Task RunAsync_DamagedClipsOnEitherRank_KeepsWhatAllRanksUsedAndCounted()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 17);
        small.Damage(2);
        small.Damage(11);
        var config = Config with { Data = Config.Data with { OnCorrupt = CorruptRowPolicy.Skip } };
        Train(small, 2, "whole", 6, config: config);
        foreach (var stop in new[] { 1, 4 }) // in the middle of an epoch, and at the end of one
        {
            Train(small, 2, $"stopped{stop}", stop, config: config);
            Train(small, 2, $"stopped{stop}", 6, ResumeMode.Required, config);
            Assert.Equal(small.Metrics("whole").Select(m => (m.Step, m.Loss, m.Skipped)), small.Metrics($"stopped{stop}").Select(m => (m.Step, m.Loss, m.Skipped)));
        }

        Assert.InRange(small.Metrics("whole")[^1].Skipped, 4, 6); // two clips, three epochs, of each of which two clips are left over
    }

    [Fact]
    public async Task RunAsync_LossNotFinite_NamesTheRankAndKeepsItsClips()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 14);
        var config = Config with { Optim = Config.Optim with { Lr = 1e30 } };
        var error = Assert.Throws<AggregateException>(() => Train(small, 2, "run", 8, config: config));
        Assert.Equal(2, error.InnerExceptions.Count);
        Assert.All(error.InnerExceptions, e => Assert.Matches("step [0-9]+: .* is not finite on rank [01]; the batch's clip ids", Assert.IsType<FailureException>(e).Message));
        Assert.Equal(3, File.ReadAllLines(Assert.Single(Directory.GetFiles(small.Run("run"), "not-finite-step-*.txt"))).Length);
    }

    [Fact]
    public async Task RunAsync_BatchOrPartsDoNotSplit_AreRefusedBeforeAnythingIsWritten()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 14);
        Assert.Contains("a global batch of 6 does not split over 4 ranks", Refusal(small, 4, Config));
        Assert.Contains("train.accumulate is 2; write a divisor of the 3 clips that each of 2 ranks has", Refusal(small, 2, Config with { Train = Config.Train with { Accumulate = 2 } }));
        Assert.False(Directory.Exists(small.Run("run")));
    }

    [Fact]
    public async Task RunAsync_RanksStartedDifferently_AreRefusedNamingTheKey()
    {
        using SmallRun small = new();
        await small.AddClipsAsync(0, 14);
        var error = Assert.Throws<AggregateException>(() => InProcessRanks.Run(2, ranks =>
            small.TrainAsync(Config with { Seed = ranks.Rank }, "run", 2, ranks: ranks).GetAwaiter().GetResult()));
        Assert.All(error.InnerExceptions, e => Assert.Contains("rank 1 was started with another configuration than rank 0: seed: 1, not seed: 0", e.Message));
    }

    private static string Refusal(SmallRun small, int size, PretrainConfig config) =>
        Assert.IsType<UsageException>(Assert.Throws<AggregateException>(() => Train(small, size, "run", 2, config: config)).InnerExceptions[0]).Message;

    private static void Train(SmallRun small, int size, string run, long steps, ResumeMode resume = ResumeMode.Never, PretrainConfig? config = null) =>
        InProcessRanks.Run(size, ranks => small.TrainAsync(config ?? Config, run, steps, resume, ranks: ranks).GetAwaiter().GetResult());

    private static void AssertSameCurve(IReadOnlyList<StepMetrics> expected, IReadOnlyList<StepMetrics> actual)
    {
        Assert.Equal(expected.Select(m => (m.Step, m.Epoch, m.Position, m.Lr)), actual.Select(m => (m.Step, m.Epoch, m.Position, m.Lr)));
        Assert.All(expected.Zip(actual), pair =>
        {
            Assert.Equal(pair.First.Scalars.Keys, pair.Second.Scalars.Keys);
            // The spread of the students' logits is over the rows that a rank has.
            Assert.All(pair.First.Scalars.Where(scalar => !scalar.Key.StartsWith("std_", StringComparison.Ordinal)), scalar => Assert.Equal(scalar.Value, pair.Second.Scalars[scalar.Key], Rounding.OfAStep * Math.Max(1, Math.Abs(scalar.Value))));
        });
    }
}
