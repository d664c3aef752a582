using FsCheck;
using FsCheck.Fluent;

namespace Xkd.Pipeline.Tests;

public sealed class GlobalOrderTests
{
    [Fact]
    public void ClipAt_AnyCountSeedAndEpoch_IsABijection() =>
        Prop.ForAll(
            Gen.Choose(1, 3000).ToArbitrary(),
            Gen.Choose(int.MinValue, int.MaxValue).ToArbitrary(),
            Gen.Choose(0, 2000).ToArbitrary(),
            (count, seed, epoch) => IsBijection(Visit(new GlobalOrder(count, (ulong)(long)seed), epoch)))
        .QuickCheckThrowOnFailure();

    [Fact]
    public void ClipAt_EveryCountUpTo300_IsABijection()
    {
        for (var count = 1; count <= 300; count++)
        {
            Assert.True(IsBijection(Visit(new GlobalOrder(count, 7), epoch: 3)), $"{count} clips");
        }
    }

    [Fact]
    public void IsBijection_OrderWithARepeat_IsSeen() => Assert.False(IsBijection([0, 1, 1, 3]));

    [Fact]
    public void ClipAt_AnotherEpochOrSeed_IsAnotherOrder()
    {
        var order = Visit(new GlobalOrder(1000, 1), 0);
        Assert.NotEqual(order, Visit(new GlobalOrder(1000, 1), 1));
        Assert.NotEqual(order, Visit(new GlobalOrder(1000, 2), 0));
        Assert.Equal(order, Visit(new GlobalOrder(1000, 1), 0));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(16)]
    [InlineData(37)]
    public void ClipAt_OverManyEpochs_PutsEveryClipEverywhereEquallyOften(int count)
    {
        const int epochs = 4000;
        GlobalOrder order = new(count, 11);
        var hits = new int[count, count];
        for (var epoch = 0; epoch < epochs; epoch++)
        {
            for (var position = 0; position < count; position++)
            {
                hits[position, order.ClipAt(epoch, position)]++;
            }
        }

        var expected = (double)epochs / count;
        var chiSquare = hits.Cast<int>().Sum(h => (h - expected) * (h - expected) / expected);
        var freedom = (count - 1.0) * (count - 1.0);
        Assert.InRange(chiSquare, freedom - (6 * Math.Sqrt(2 * freedom)), freedom + (6 * Math.Sqrt(2 * freedom)));
    }

    [Fact]
    public void ClipAt_NeighbouringPositions_AreUncorrelated()
    {
        const int count = 20000;
        var order = Visit(new GlobalOrder(count, 3), 0);
        var mean = (count - 1) / 2.0;
        var variance = order.Average(v => (v - mean) * (v - mean));
        var covariance = order.Zip(order.Skip(1)).Average(p => (p.First - mean) * (p.Second - mean));
        Assert.InRange(covariance / variance, -0.04, 0.04); // six standard deviations
        Assert.InRange(order.Where((v, i) => v == i).Count(), 0, 10); // fixed points of a random permutation: one on average
    }

    [Fact]
    public void ClipAt_PositionOutsideTheEpoch_IsRefused()
    {
        GlobalOrder order = new(10, 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => order.ClipAt(0, 10));
        Assert.Throws<ArgumentOutOfRangeException>(() => order.ClipAt(0, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => order.ClipAt(-1, 0));
    }

    private static long[] Visit(GlobalOrder order, int epoch) => [.. Enumerable.Range(0, (int)order.Count).Select(p => order.ClipAt(epoch, p))];

    private static bool IsBijection(long[] order) => order.Order().SequenceEqual(Enumerable.Range(0, order.Length).Select(i => (long)i));
}
