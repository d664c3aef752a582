using Xkd.Model.Evaluation;

namespace Xkd.Model.Tests.Evaluation;

public sealed class LabelledClipsTests
{
    private static readonly string[] Labels = [.. Enumerable.Range(0, 60).Select(i => i < 3 ? "rare" : i % 2 == 0 ? "even" : "odd")];

    [Fact]
    public void Labelled_AFewPerClass_TakesThatManyOfEachAscending()
    {
        IReadOnlyList<int> clips = SvmEvaluation.Labelled(Labels, 5, seed: 1);
        Assert.Equal([("even", 5), ("odd", 5), ("rare", 3)], clips.CountBy(i => Labels[i]).OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => (c.Key, c.Value)));
        Assert.Equal(clips.Order().Distinct(), clips);
    }

    [Fact]
    public void Labelled_Seed_DecidesWhich()
    {
        Assert.Equal(SvmEvaluation.Labelled(Labels, 5, seed: 1), SvmEvaluation.Labelled(Labels, 5, seed: 1));
        Assert.NotEqual(SvmEvaluation.Labelled(Labels, 5, seed: 1), SvmEvaluation.Labelled(Labels, 5, seed: 2));
    }
}
