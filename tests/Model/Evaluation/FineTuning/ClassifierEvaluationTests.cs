using TorchSharp;
using Xkd.Model.Evaluation;
using Xkd.Model.Torch;
using Xkd.Storage;

namespace Xkd.Model.Tests.Evaluation;

public class ClassifierEvaluationTests
{
    public ClassifierEvaluationTests() => LibTorch.Load();

    [Theory]
    [InlineData(ClipEnsemble.Mean, new float[] { 2, 3, 2, 1 })]
    [InlineData(ClipEnsemble.Max, new float[] { 3, 4, 5, 2 })]
    [InlineData(ClipEnsemble.Sum, new float[] { 4, 6, 4, 2 })]
    public void Combine_Ensemble_JoinsWindowsOfOneClip(ClipEnsemble ensemble, float[] expected)
    {
        using var scope = torch.NewDisposeScope();
        Assert.Equal(expected, ClassifierEvaluation.Combine(TwoClips(), 2, ensemble).data<float>().ToArray());
        Assert.Equal(2, scope.DisposablesCount);
    }

    [Fact]
    public void Combine_PartOfAClip_IsAnError()
    {
        using var scope = torch.NewDisposeScope();
        Assert.Throws<UsageException>(() => ClassifierEvaluation.Combine(TwoClips(), 3, ClipEnsemble.Mean));
    }

    // [2 clips · 2 windows, 2 classes]
    private static torch.Tensor TwoClips() => torch.tensor(new float[] { 1, 2, 3, 4, -1, 0, 5, 2 }, [4, 2]);
}
