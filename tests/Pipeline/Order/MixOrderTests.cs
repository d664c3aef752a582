using FsCheck;
using FsCheck.Fluent;
using Xkd.Storage;

namespace Xkd.Pipeline.Tests;

public sealed class MixOrderTests
{
    private static readonly MixShare[] Mix = [new("a", 30_000, 3), new("b", 20_000, 1), new("c", 8_000, 0.5)];

    [Fact]
    public void ClipAt_TenThousandDraws_MatchTheWeights()
    {
        MixOrder order = new(Mix, 5);
        Assert.Equal(45_000, order.Count); // a is the scarcest: 30,000 clips for two positions of three
        foreach (var first in new[] { 0, 17_000, 35_000 })
        {
            RequireShares(Drawn(order, 1, first, 10_000), [3 / 4.5, 1 / 4.5, 0.5 / 4.5]);
        }
    }

    [Fact]
    public void RequireShares_DrawsOfOtherWeights_AreSeen()
    {
        var drawn = Drawn(new MixOrder(Mix, 5), 1, 0, 10_000);
        Assert.ThrowsAny<Exception>(() => RequireShares(drawn, [1 / 3.0, 1 / 3.0, 1 / 3.0]));
        Assert.ThrowsAny<Exception>(() => RequireShares(drawn, [2.7 / 4.2, 1 / 4.2, 0.5 / 4.2])); // a weight a tenth too small
        Assert.ThrowsAny<Exception>(() => RequireShares([drawn[0] + 300, drawn[1] - 300, drawn[2]], [3 / 4.5, 1 / 4.5, 0.5 / 4.5]));
    }

    [Fact]
    public void ClipAt_AnyMix_HasEveryClipAtMostOnceAndOfEveryMemberItsSlots() =>
        Prop.ForAll(Mixes().ToArbitrary(), Gen.Choose(int.MinValue, int.MaxValue).ToArbitrary(), Gen.Choose(0, 2000).ToArbitrary(), (mix, seed, epoch) =>
        {
            MixOrder order = new(mix, (ulong)(long)seed);
            return IsOnceEach(Visit(order, epoch), mix, MixOrder.Slots(mix));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void IsOnceEach_OrderWithARepeatOrOfOtherMembers_IsSeen()
    {
        MixShare[] mix = [new("a", 4, 1), new("b", 4, 1)];
        Assert.True(IsOnceEach([0, 5, 1, 4], mix, [2, 2]));
        Assert.False(IsOnceEach([0, 5, 0, 4], mix, [2, 2]));
        Assert.False(IsOnceEach([0, 5, 1, 2], mix, [2, 2]));
    }

    [Fact]
    public void Slots_AnyMix_AreTheWeightsSharesOfWhatTheScarcestAllows() =>
        Prop.ForAll(Three(1, 5000), Three(1, 60), Gen.Elements(1.0, 3.0, 7.0, 10.0, 1e30).ToArbitrary(), (counts, weights, unit) =>
        {
            // In whole numbers nothing is rounded.
            var sum = weights.Sum();
            var all = counts.Zip(weights, (count, weight) => (long)count * sum / weight).Min();
            MixShare[] mix = [.. counts.Zip(weights, (count, weight) => new MixShare("m", count, weight / unit))];
            long[] slots;
            try
            {
                slots = MixOrder.Slots(mix);
            }
            catch (UsageException)
            {
                return weights.Any(weight => all * weight < sum); // less than one whole slot
            }

            return slots.Sum() == all && slots.Zip(counts).All(s => s.First >= 1 && s.First <= s.Second)
                && slots.Zip(weights).All(s => Math.Abs((s.First * sum) - (all * s.Second)) < sum); // within one of its share
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(1000, 0.1, 7000, 0.7, 1000, 7000)] // without room for rounding 7,999
    [InlineData(9000, 0.9, 4000, 0.4, 9000, 4000)]
    [InlineData(1000, 1 / 3.0, 2000, 2 / 3.0, 1000, 2000)]
    [InlineData(10, 1, 10, 1, 10, 10)]
    [InlineData(1_000_000_007, 0.1, 2_000_000_014, 0.2, 1_000_000_007, 2_000_000_014)]
    [InlineData(5, 1e-300, 10, 2e-300, 5, 10)]
    [InlineData(5, 1e308, 10, 1e308, 5, 5)]
    public void Slots_WeightsThatBinaryDoesNotHold_LoseNoClip(long first, double weight, long second, double secondWeight, long slots, long secondSlots) =>
        Assert.Equal([slots, secondSlots], MixOrder.Slots([new("a", first, weight), new("b", second, secondWeight)]));

    [Fact]
    public void ClipAt_MemberWithMoreThanItsSlots_LeavesOutOtherClipsEachEpoch()
    {
        const int epochs = 4000;
        MixOrder order = new([new("a", 12, 1), new("b", 30, 1)], 3);
        Assert.Equal(24, order.Count);
        var hits = new double[30];
        for (var epoch = 0; epoch < epochs; epoch++)
        {
            foreach (var clip in Visit(order, epoch).Where(c => c >= 12))
            {
                hits[clip - 12]++;
            }
        }

        // 12 of 30 an epoch: a clip's count is binomial, p = 0.4; the counts sum to a constant, so chi-square over variance has 29 degrees of freedom.
        var chi = hits.Sum(h => Math.Pow(h - (0.4 * epochs), 2)) / (0.4 * 0.6 * epochs) * 29 / 30;
        Assert.InRange(chi, 29 - (6 * Math.Sqrt(58)), 29 + (6 * Math.Sqrt(58)));
        Assert.NotEqual(Visit(order, 0), Visit(order, 1));
        Assert.Equal(Visit(order, 7), Visit(new MixOrder([new("a", 12, 1), new("b", 30, 1)], 3), 7));
    }

    [Fact]
    public void Constructor_MemberWithoutASlot_IsNamed()
    {
        var error = Assert.Throws<UsageException>(() => new MixOrder([new("cache /a", 100, 1000), new("cache /b", 100, 1)], 0));
        Assert.Contains("cache /b: a weight of 1 beside 1000 of the others leaves it no clip of the 100 of an epoch", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ClipAt_PositionOutsideTheEpoch_IsRefused()
    {
        MixOrder order = new([new("a", 12, 1), new("b", 30, 1)], 3);
        Assert.Throws<ArgumentOutOfRangeException>(() => order.ClipAt(0, 24));
        Assert.Throws<ArgumentOutOfRangeException>(() => order.ClipAt(0, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => order.ClipAt(-1, 0));
    }

    private static Arbitrary<int[]> Three(int least, int most) => Gen.ArrayOf(Gen.Choose(least, most), 3).ToArbitrary();

    private static Gen<MixShare[]> Mixes() =>
        from members in Gen.Choose(1, 5)
        from counts in Gen.ArrayOf(Gen.Choose(20, 400), members)
        from weights in Gen.ArrayOf(Gen.Choose(1, 9), members) // the scarcest of 20 clips leaves each of five members one slot at least
        select counts.Zip(weights, (count, weight) => new MixShare("m", count, weight / 10.0)).ToArray();

    private static long[] Visit(MixOrder order, int epoch) => [.. Enumerable.Range(0, (int)order.Count).Select(p => order.ClipAt(epoch, p))];

    private static bool IsOnceEach(long[] order, MixShare[] mix, long[] slots)
    {
        var first = 0L;
        var once = order.Distinct().Count() == order.Length && order.Length == slots.Sum();
        foreach ((var member, var own) in mix.Zip(slots))
        {
            once &= order.Count(c => c >= first && c < first + member.Count) == own;
            first += member.Count;
        }

        return once;
    }

    private static int[] Drawn(MixOrder order, int epoch, int first, int draws)
    {
        var drawn = new int[3];
        for (var i = 0; i < draws; i++)
        {
            drawn[order.ClipAt(epoch, first + i) switch { < 30_000 => 0, < 50_000 => 1, _ => 2 }]++;
        }

        return drawn;
    }

    // Chi-square has two degrees of freedom, of which the tail is exp(-x / 2): 28 is passed once in a million. Draws without replacement vary less than that.
    private static void RequireShares(int[] drawn, double[] shares) =>
        Assert.InRange(drawn.Zip(shares, (count, share) => Math.Pow(count - (share * drawn.Sum()), 2) / (share * drawn.Sum())).Sum(), 0, 28);
}
