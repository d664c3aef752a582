using Xkd.Model.Method;

namespace Xkd.Model.Tests.Method;

public sealed class ModelCostTests
{
    [Fact]
    public void Of_PublishedRecipe_CountsItsParameters()
    {
        var cost = ModelCost.Of(new PretrainConfig());

        Assert.Equal(206.347, cost.Trainable / 1e6, 0.0005);
        Assert.Equal(396.374, cost.Total / 1e6, 0.0005);
        Assert.Equal(87.691, cost.Parts["video_backbone"] / 1e6, 0.0005);
        Assert.Equal(85.510, cost.Parts["audio_backbone"] / 1e6, 0.0005);
        Assert.Equal(8.405, cost.Parts["head"] / 1e6, 0.0005);
        Assert.Equal(8.723, cost.Parts["video_decoder"] / 1e6, 0.0005);
        Assert.Equal(7.629, cost.Parts["audio_decoder"] / 1e6, 0.0005);
    }

    [Theory]
    [InlineData(TeacherView.FirstLocal, 296.5)]
    [InlineData(TeacherView.Global, 440.2)]
    public void Of_PublishedRecipe_CountsItsWork(TeacherView view, double gflop) =>
        Assert.Equal(gflop, ModelCost.Of(new PretrainConfig { Objective = new ObjectiveSection { TeacherView = view } }).FlopPerSample / 1e9, 0.25);

    [Theory]
    [InlineData(XkdVariant.Xkd)]
    [InlineData(XkdVariant.Mas)]
    [InlineData(XkdVariant.Mats)]
    public void Of_Variant_AgreesWithTheBuiltModel(XkdVariant variant)
    {
        using var scope = TinyModel.Scope();
        var config = TinyModel.Config(variant);
        using var model = new XkdModel(config);
        var parameters = StateNames.Parameters(model);

        var cost = ModelCost.Of(config);
        Assert.Equal(parameters.Sum(p => p.Value.numel()), cost.Total);
        Assert.Equal(parameters.Where(p => p.Value.requires_grad).Sum(p => p.Value.numel()), cost.Trainable);
    }
}
