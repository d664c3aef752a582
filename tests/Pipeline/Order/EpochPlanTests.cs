using Xkd.Storage;

namespace Xkd.Pipeline.Tests;

public sealed class EpochPlanTests
{
    [Fact]
    public void Positions_OfAllRanksAndSteps_CoverTheEpochOnceInOrder()
    {
        EpochPlan plan = new(clips: 103, batch: 12, ranks: 4);
        Assert.Equal(8, plan.StepsPerEpoch);
        Assert.Equal(7, plan.Dropped);
        Assert.Equal(3, plan.BatchPerRank);
        for (var epoch = 0; epoch < 3; epoch++)
        {
            List<long> positions = [];
            for (var step = epoch * plan.StepsPerEpoch; step < (epoch + 1) * plan.StepsPerEpoch; step++)
            {
                Assert.Equal(epoch, plan.EpochOf(step));
                for (var rank = 0; rank < plan.Ranks; rank++)
                {
                    var first = plan.PositionOf(step, rank);
                    positions.AddRange(Enumerable.Range(0, plan.BatchPerRank).Select(i => first + i));
                }
            }

            Assert.Equal(Enumerable.Range(0, 96).Select(i => (long)i), positions);
        }
    }

    [Fact]
    public void Whole_LastBatch_HoldsWhatIsLeft()
    {
        var plan = EpochPlan.Whole(clips: 21, batch: 5);
        Assert.Equal([5, 5, 5, 5, 1, 5], Enumerable.Range(0, 6).Select(step => plan.RowsOf(step)));
        Assert.Equal((5, 0, 1, 0), (plan.StepsPerEpoch, plan.Dropped, plan.EpochOf(5), plan.PositionOf(5)));
        Assert.Equal((0, 0), (EpochPlan.Whole(clips: 0, batch: 5).StepsPerEpoch, EpochPlan.Whole(clips: 0, batch: 5).EpochOf(0)));
        Assert.Equal(4, EpochPlan.Whole(clips: 20, batch: 5).StepsPerEpoch);
    }

    [Fact]
    public void Constructor_BatchThatDoesNotSplit_NamesBothAndTheFix()
    {
        var error = Assert.Throws<UsageException>(() => new EpochPlan(1000, 256, 3));
        Assert.Contains("256", error.Message, StringComparison.Ordinal);
        Assert.Contains("3 ranks", error.Message, StringComparison.Ordinal);
        Assert.Contains("255", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_FewerClipsThanABatch_NamesBothAndTheFix()
    {
        var error = Assert.Throws<UsageException>(() => new EpochPlan(31, 32));
        Assert.Contains("31 clips", error.Message, StringComparison.Ordinal);
        Assert.Contains("32", error.Message, StringComparison.Ordinal);
        Assert.Contains("lower the batch", error.Message, StringComparison.Ordinal);
    }
}
