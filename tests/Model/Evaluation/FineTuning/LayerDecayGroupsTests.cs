using Xkd.Model.Evaluation;
using Xkd.Storage;

namespace Xkd.Model.Tests.Evaluation;

public class LayerDecayGroupsTests
{
    [Fact]
    public void Build_EveryParameter_IsInOneGroupWithItsLayersScale()
    {
        (string Name, int Dimensions)[] parameters = [.. Parameters(3)];

        var groups = LayerDecayGroups.Build(parameters, 3, 0.5, 0.05);

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
        var groups = LayerDecayGroups.Build(Parameters(2), 2, 0.65, 0.05);

        string[] decayed = [.. groups.Where(g => g.WeightDecay > 0).SelectMany(g => g.Parameters)];
        Assert.Equal(1 + (2 * 2) + 1, decayed.Length);
        Assert.All(decayed, name => Assert.EndsWith(".weight", name));
        Assert.DoesNotContain(decayed, name => name.Contains("norm"));
    }

    [Fact]
    public void Build_BlockBeyondTheDepth_IsAnError() =>
        Assert.Contains("blocks.2", Assert.Throws<UsageException>(() => LayerDecayGroups.Build([("blocks.2.norm1.weight", 1)], 2, 1, 0)).Message);

    /// <summary>A video encoder's parameters in short, under evaluation names.</summary>
    private static IEnumerable<(string Name, int Dimensions)> Parameters(int depth) =>
    [
        ("cls_token", 3), ("pos_embed", 3),
        .. Enumerable.Range(0, depth).SelectMany(b => new[]
        {
            ($"blocks.{b}.norm1.weight", 1), ($"blocks.{b}.norm1.bias", 1), ($"blocks.{b}.attn.qkv.weight", 2), ($"blocks.{b}.mlp.fc2.weight", 2), ($"blocks.{b}.mlp.fc2.bias", 1),
        }),
        ("patch_embed.proj.weight", 2), ("patch_embed.proj.bias", 1), ("norm.weight", 1), ("norm.bias", 1), ("head.classifier.weight", 2), ("head.classifier.bias", 1),
    ];
}
