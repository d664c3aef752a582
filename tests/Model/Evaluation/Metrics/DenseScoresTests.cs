using Xkd.Model.Evaluation;
using Xkd.Storage;

namespace Xkd.Model.Tests.Evaluation;

public class DenseScoresTests
{
    private static readonly float[] TwoClips = [1, 2, 3, 4, -1, 0, 5, 2]; // [2 clips · 2 windows, 2 classes]

    [Theory]
    [InlineData(ClipEnsemble.Mean, new float[] { 2, 3, 2, 1 })]
    [InlineData(ClipEnsemble.Max, new float[] { 3, 4, 5, 2 })]
    [InlineData(ClipEnsemble.Sum, new float[] { 4, 6, 4, 2 })]
    public void Combine_Ensemble_JoinsWindowsOfOneClip(ClipEnsemble ensemble, float[] expected) => Assert.Equal(expected, DenseScores.Combine(TwoClips, 2, 2, ensemble));

    [Fact]
    public void Average_Doubles_AgreesWithCombine() =>
        Assert.Equal([2, 3, 2, 1], DenseScores.Average(Array.ConvertAll(TwoClips, v => (double)v), 2, 2));

    [Fact]
    public void Softmax_LargeLogits_StaysFinite()
    {
        float[] probabilities = DenseScores.Softmax([1000, 1000, -1000, 0], 2);

        Assert.Equal([0.5f, 0.5f, 0, 1], probabilities);
    }

    [Fact]
    public void CrossEntropy_UniformLogits_IsLogOfClasses() => Assert.Equal(Math.Log(2), DenseScores.CrossEntropy([7, 7, 7, 7], [1], 2, 2), 1e-12);

    [Fact]
    public void Combine_PartOfAClip_IsAnError() => Assert.Throws<UsageException>(() => DenseScores.Combine(TwoClips, 3, 2, ClipEnsemble.Mean));
}
