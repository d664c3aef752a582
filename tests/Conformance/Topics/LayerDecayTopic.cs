using System.Text.Json;
using Xkd.Conformance.Topics;
using Xkd.Model.Evaluation;
using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Model.Weights;

namespace Xkd.Conformance;

/// <summary>Parameter groups of layer-wise learning-rate decay.</summary>
internal sealed class LayerDecayTopic : IGoldenTopic
{
    private static readonly string[] Order = ["cls_token", "pos_embed", "blocks.", "patch_embed.", "norm.", "head."];

    public IReadOnlyCollection<string> Topics => ["layer_decay"];

    public void Run(GoldenCase golden, GoldenCheck check)
    {
        LibTorch.Load();
        GoldenField[] configs = [.. golden.Config.GetProperty("models").EnumerateArray()];
        JsonElement[] expected = [.. golden.Json.GetProperty("models").EnumerateArray()];
        check.Equal("models", configs.Length, expected.Length);
        for (var m = 0; m < configs.Length; m++)
        {
            var config = configs[m];
            using var encoder = Build(config);
            using var head = new ClassifierHead(encoder.Options.Dim, 5, new HeadSection { BatchNorm = config.GetProperty("use_bn").GetBoolean() });
            var groups = LayerDecayGroups.Build(
                Parameters(encoder, head), encoder.Options.Depth,
                config.GetProperty("layer_decay").GetDouble(), config.GetProperty("weight_decay").GetDouble());
            JsonElement[] wanted = [.. expected[m].GetProperty("groups").EnumerateArray()];
            check.Equal($"model {m} groups", groups.Count, wanted.Length);
            for (var g = 0; g < Math.Min(groups.Count, wanted.Length); g++)
            {
                check.SameSequence($"model {m} group {g}", groups[g].Parameters, wanted[g].GetProperty("params").EnumerateArray().Select(p => p.GetString()!));
                check.Values($"model {m} group {g} scale and decay", [groups[g].LearningRateScale, groups[g].WeightDecay],
                    [wanted[g].GetProperty("lr_scale").GetDouble(), wanted[g].GetProperty("weight_decay").GetDouble()], new Tolerance(1e-12, 1e-15, 0, 0));
            }
        }
    }

    // Names and dimensions in the order of the reference's evaluation networks, which groups inherit.
    private static IEnumerable<(string Name, int Dimensions)> Parameters(ViT encoder, ClassifierHead head) => StateNames.Parameters(encoder)
        .Select(p => (Name: WeightNames.ToEvaluation(p.Name), p.Value))
        .Concat(StateNames.Parameters(head, "head."))
        .OrderBy(p => Array.FindIndex(Order, prefix => p.Name.StartsWith(prefix, StringComparison.Ordinal)))
        .Select(p => (p.Name, (int)p.Value.dim()));

    private static ViT Build(GoldenField config)
    {
        var options = GoldenModels.Transformer(config);
        var classToken = config.GetProperty("cls").GetBoolean();
        return config.GetProperty("modality").GetString() == "video"
            ? new VideoViT(new VideoGeometry { Frames = 4, Height = 16, Width = 16 }, options, classToken)
            : new AudioViT(new AudioGeometry { Mels = 8, Frames = 16 }, options, classToken);
    }
}
