using Xkd.Model.Evaluation;

namespace Xkd.Model.Tests.Evaluation;

public class StratifiedSplitTests
{
    private static readonly int[] Labels = [.. Enumerable.Repeat(0, 20), .. Enumerable.Repeat(1, 5), .. Enumerable.Repeat(2, 2), 3];

    [Fact]
    public void Of_UnevenClasses_KeepsEveryClassOnBothSides()
    {
        (var fit, var held) = SvmProbe.Split(Labels, 0.2, seed: 1);

        Assert.Equal(Enumerable.Range(0, Labels.Length), fit.Concat(held).Order());
        Assert.Equal([4, 1, 1, 0], Enumerable.Range(0, 4).Select(c => held.Count(i => Labels[i] == c)));
        Assert.Equal([16, 4, 1, 1], Enumerable.Range(0, 4).Select(c => fit.Count(i => Labels[i] == c)));
    }

    [Fact]
    public void Of_SegmentsOfOneRecording_StayOnOneSide()
    {
        ulong[] sources = [.. Enumerable.Range(0, Labels.Length).Select(i => (ulong)(i / 4))];
        (var fit, var held) = SvmProbe.Split(Labels, 0.4, seed: 1, sources);
        Assert.Equal(Enumerable.Range(0, Labels.Length), fit.Concat(held).Order());
        Assert.Equal(8, held.Count(i => Labels[i] == 0)); // two of five recordings
        Assert.Empty(held.Where(i => Labels[i] == 0).Select(i => sources[i]).Intersect(fit.Select(i => sources[i])));
    }

    [Fact]
    public void Of_Seed_DecidesWhichClips()
    {
        Assert.Equal(SvmProbe.Split(Labels, 0.2, 1).HeldOut, SvmProbe.Split(Labels, 0.2, 1).HeldOut);
        Assert.NotEqual(SvmProbe.Split(Labels, 0.2, 1).HeldOut, SvmProbe.Split(Labels, 0.2, 2).HeldOut);
    }
}
