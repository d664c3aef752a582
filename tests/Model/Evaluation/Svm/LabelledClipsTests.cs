using Xkd.Model.Evaluation;

namespace Xkd.Model.Tests.Evaluation;

public sealed class LabelledClipsTests
{
    private static readonly string[] Labels = [.. Enumerable.Range(0, 60).Select(i => i < 3 ? "rare" : i % 2 == 0 ? "even" : "odd")];
    private static readonly ulong[] Apart = [.. Enumerable.Range(0, 60).Select(i => (ulong)i)];

    [Fact]
    public void Labelled_AFewPerClass_TakesThatManyOfEachAscending()
    {
        var clips = SvmEvaluation.Labelled(Labels, Apart, 5, seed: 1);
        Assert.Equal([("even", 5), ("odd", 5), ("rare", 3)], clips.CountBy(i => Labels[i]).OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => (c.Key, c.Value)));
        Assert.Equal(clips.Order().Distinct(), clips);
    }

    [Fact]
    public void Labelled_SegmentsOfOneRecording_CountOnce()
    {
        ulong[] sources = [.. Labels.Select((_, i) => (ulong)(i < 3 ? i : i / 10 * 10))];
        var clips = SvmEvaluation.Labelled(Labels, sources, 2, seed: 1);
        Assert.All(["even", "odd"], label => Assert.Equal(2, clips.Where(i => Labels[i] == label).Select(i => sources[i]).Distinct().Count()));
        Assert.All(clips, clip => Assert.Equal(
            Enumerable.Range(0, Labels.Length).Where(i => Labels[i] == Labels[clip] && sources[i] == sources[clip]), clips.Where(i => Labels[i] == Labels[clip] && sources[i] == sources[clip])));
    }

    [Fact]
    public void Labelled_Seed_DecidesWhich()
    {
        Assert.Equal(SvmEvaluation.Labelled(Labels, Apart, 5, seed: 1), SvmEvaluation.Labelled(Labels, Apart, 5, seed: 1));
        Assert.NotEqual(SvmEvaluation.Labelled(Labels, Apart, 5, seed: 1), SvmEvaluation.Labelled(Labels, Apart, 5, seed: 2));
    }
}
