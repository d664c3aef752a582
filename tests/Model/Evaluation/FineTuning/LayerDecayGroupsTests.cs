using Xkd.Model.Evaluation;
using Xkd.Storage;

namespace Xkd.Model.Tests.Evaluation;

public class LayerDecayGroupsTests
{
    [Fact]
    public void Build_EveryParameter_IsInOneGroupWithItsLayersScale()
    {
        (string Name, int Dimensions)[] parameters = [.. EvaluationNames.Parameters(3, classToken: true, batchNorm: true)];

        IReadOnlyList<DecayGroup> groups = LayerDecayGroups.Build(parameters, 3, 0.5, 0.05);

        Assert.Equal(parameters.Select(p => p.Name).Order(), groups.SelectMany(g => g.Parameters).Order());
        Assert.Equal(0.0625, Scale("pos_embed"));
        Assert.Equal(0.125, Scale("blocks.0.norm1.bias"));
        Assert.Equal(0.5, Scale("blocks.2.mlp.fc2.weight"));
        Assert.Equal(1, Scale("head.classifier.weight"));
        double Scale(string name) => groups.Single(g => g.Parameters.Contains(name)).LearningRateScale;
    }

    [Fact]
    public void Build_ClassTokenAndBiases_AreNotDecayed()
    {
        IReadOnlyList<DecayGroup> groups = LayerDecayGroups.Build(EvaluationNames.Parameters(2, true, false), 2, 0.65, 0.05);

        string[] decayed = [.. groups.Where(g => g.WeightDecay > 0).SelectMany(g => g.Parameters)];
        Assert.Equal(1 + (2 * 4) + 1, decayed.Length);
        Assert.All(decayed, name => Assert.EndsWith(".weight", name));
        Assert.DoesNotContain(decayed, name => name.Contains("norm"));
    }

    [Fact]
    public void Build_BlockBeyondTheDepth_IsAnError() =>
        Assert.Contains("blocks.2", Assert.Throws<UsageException>(() => LayerDecayGroups.Build([("blocks.2.norm1.weight", 1)], 2, 1, 0)).Message);

    [Theory]
    [InlineData("video", "cuboid_embed.proj.weight", "patch_embed.proj.weight")]
    [InlineData("audio", "patch_embed.proj.weight", "patch_embed.proj.weight")]
    [InlineData("audio", "enc_pos_embed", "pos_embed")]
    [InlineData("video", "encoder.blocks.11.attn.qkv.weight", "blocks.11.attn.qkv.weight")]
    [InlineData("video", "encoder_norm.bias", "norm.bias")]
    [InlineData("video", "cls_token", "cls_token")]
    public void EvaluationNames_BothWays_AreInverse(string modality, string pretraining, string evaluation)
    {
        Assert.Equal(evaluation, EvaluationNames.FromPretraining(pretraining));
        Assert.Equal(pretraining, EvaluationNames.ToPretraining(evaluation, modality));
    }
}
