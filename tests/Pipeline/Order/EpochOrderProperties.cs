using FsCheck;
using FsCheck.Fluent;

namespace Xkd.Pipeline.Tests;

/// <summary>What holds of order, uniform or by blocks, and plan together, over numbers of clips, ranks, batches and seeds.</summary>
public sealed class EpochOrderProperties
{
    private sealed record Run(int Clips, int Ranks, int Batch, ulong Seed, int Epoch, int Block, int Window);

    private static readonly Arbitrary<Run> Runs = (
        from ranks in Gen.Choose(1, 8)
        from perRank in Gen.Choose(1, 9)
        from clips in Gen.Choose(ranks * perRank, 2500)
        from seed in Gen.Choose(int.MinValue, int.MaxValue)
        from epoch in Gen.Choose(0, 500)
        from block in Gen.Choose(0, 40)
        from window in Gen.Choose(1, 20)
        select new Run(clips, ranks, ranks * perRank, (ulong)(long)seed, epoch, block, window)).ToArbitrary();

    [Fact]
    public void Epoch_AnyRun_VisitsEachClipAtMostOnceAndDropsLessThanABatch() => Prop.ForAll(Runs, run =>
    {
        EpochPlan plan = new(run.Clips, run.Batch, run.Ranks);
        List<long> visited = [.. Visit(plan, run, rank: null)];
        return visited.Count == run.Clips - plan.Dropped && plan.Dropped < run.Batch && visited.Distinct().Count() == visited.Count && visited.TrueForAll(c => c >= 0 && c < run.Clips);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Epoch_AnyRun_GivesEveryRankTheSameNumberOfStepsAndClips() => Prop.ForAll(Runs, run =>
    {
        EpochPlan plan = new(run.Clips, run.Batch, run.Ranks);
        return Enumerable.Range(0, run.Ranks).All(rank => Visit(plan, run, rank).Count() == plan.StepsPerEpoch * run.Batch / run.Ranks);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Epoch_AnotherNumberOfRanks_IsTheSameGlobalSequence() => Prop.ForAll(Runs, run =>
        Visit(new EpochPlan(run.Clips, run.Batch, run.Ranks), run, rank: null).SequenceEqual(Visit(new EpochPlan(run.Clips, run.Batch), run with { Ranks = 1 }, rank: null)))
        .QuickCheckThrowOnFailure();

    // All ranks' clips in the order of the steps and ranks, or one rank's.
    private static IEnumerable<long> Visit(EpochPlan plan, Run run, int? rank)
    {
        IClipOrder order = run.Block == 0 ? new GlobalOrder(run.Clips, run.Seed) : new BlockOrder([.. Enumerable.Range(0, run.Clips)], run.Seed, run.Block, run.Window);
        for (var step = run.Epoch * plan.StepsPerEpoch; step < (run.Epoch + 1) * plan.StepsPerEpoch; step++)
        {
            foreach (var r in rank is { } one ? [one] : Enumerable.Range(0, plan.Ranks))
            {
                for (var i = 0; i < plan.BatchPerRank; i++)
                {
                    yield return order.ClipAt(plan.EpochOf(step), plan.PositionOf(step, r) + i);
                }
            }
        }
    }
}
