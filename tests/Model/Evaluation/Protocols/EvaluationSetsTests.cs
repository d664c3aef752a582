using Xkd.Model.Evaluation;
using Xkd.Storage;

namespace Xkd.Model.Tests.Evaluation;

[Collection(nameof(EvaluationWorld))]
public sealed class EvaluationSetsTests(EvaluationWorld world)
{
    [Fact]
    public void Resolve_Fold_TakesItsTwoSides()
    {
        var cache = Cache.Open(world.Folds);
        (var train, var test) = EvaluationSets.Resolve(cache, cache, new SvmConfig(), 2);
        Assert.Equal((12, 6), (train.Clips.Count, test.Clips.Count));
        Assert.Empty(train.Clips.Intersect(test.Clips));
        Assert.All(test.Clips, c => Assert.Contains("2:test", cache.Clips[c].Folds));
        Assert.Equal(["class a", "class b", "class c"], train.Classes);
        Assert.Contains("fold 9", Assert.Throws<UsageException>(() => EvaluationSets.Resolve(cache, cache, new SvmConfig(), 9)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Resolve_OneCacheWithoutSuchASplit_NamesThoseItHas()
    {
        var cache = Cache.Open(world.Splits);
        var error = Assert.Throws<UsageException>(() => EvaluationSets.Resolve(cache, cache, new SvmConfig { Split = new SplitSection { Test = "test" } }, null));
        Assert.Contains("train, val", error.Message, StringComparison.Ordinal);
        Assert.Throws<UsageException>(() => EvaluationSets.Resolve(cache, cache, new SvmConfig { Split = new SplitSection { Test = "train" } }, null));
    }

    [Fact]
    public void Resolve_OneCacheWithoutSplits_HoldsOutRecordingsOfEachClassAndSaysSo()
    {
        var cache = Cache.Open(world.Segments);
        (var train, var test) = EvaluationSets.Resolve(cache, cache, new SvmConfig(), null);
        Assert.Equal([4, 4, 4], train.Labels.CountBy(l => l).OrderBy(c => c.Key).Select(c => c.Value));
        Assert.Equal([2, 2, 2], test.Labels.CountBy(l => l).OrderBy(c => c.Key).Select(c => c.Value));
        Assert.Empty(Recordings(train).Intersect(Recordings(test)));
        Assert.Contains("20 % of the recordings of each class, drawn by seed 0", test.Note, StringComparison.Ordinal);
        Assert.NotEqual(Recordings(test), Recordings(EvaluationSets.Resolve(cache, cache, new SvmConfig { Seed = 4 }, null).Test));

        // A class of one recording is trained on; where all are, nothing can be tested.
        var unequal = cache.Select(ClipFilter.Parse(["id=0/*,1/*,2/clip006.mp4*"], null));
        (train, test) = EvaluationSets.Resolve(unequal, unequal, new SvmConfig(), null);
        Assert.Equal([2, 2], test.Labels.CountBy(l => l).Select(c => c.Value));
        Assert.Equal(2, train.Labels.Count(l => l == 2));
        var single = cache.Select(ClipFilter.Parse(["id=2/clip006.mp4*"], null));
        Assert.Contains("single recording", Assert.Throws<UsageException>(() => EvaluationSets.Resolve(single, single, new SvmConfig(), null)).Message, StringComparison.Ordinal);

        static string[] Recordings(EvaluationSet set) => [.. set.Ids.Select(ClipSource.Of).Distinct(StringComparer.Ordinal)];
    }

    [Fact]
    public void Resolve_SeveralLabels_NeedMulti()
    {
        var cache = Cache.Open(world.Several);
        Assert.Contains("several labels", Assert.Throws<UsageException>(() => EvaluationSets.Resolve(cache, cache, new SvmConfig(), null)).Message, StringComparison.Ordinal);
        (var train, _) = EvaluationSets.Resolve(cache, cache, new SvmConfig { Labels = LabelKind.Multi }, null);
        Assert.Equal(EvaluationWorld.Classes + 1, train.Classes.Count);
        Assert.Contains(train.LabelSets, l => l.Length == 2);
    }

    [Fact]
    public void Resolve_Limits_DrawOfEachClassBySeed()
    {
        var cache = Cache.Open(world.Folds);
        SvmConfig few = new() { MaxTrainClips = 2, MaxTestClips = 1, MaxClasses = 2 };
        (var train, var test) = EvaluationSets.Resolve(cache, cache, few, 1);
        Assert.Equal([2, 2], train.Labels.CountBy(l => l).Select(c => c.Value));
        Assert.Equal([1, 1], test.Labels.CountBy(l => l).Select(c => c.Value));
        Assert.Equal(train.Clips, EvaluationSets.Resolve(cache, cache, few, 1).Train.Clips);
    }
}
