using System.Text.Json;
using Xkd.Model.Evaluation;

namespace Xkd.Conformance;

/// <summary>Parameter groups of layer-wise learning-rate decay.</summary>
internal sealed class LayerDecayTopic : IGoldenTopic
{
    public IReadOnlyCollection<string> Topics => ["layer_decay"];

    public void Run(GoldenCase golden, GoldenCheck check)
    {
        JsonElement[] configs = [.. golden.Config.GetProperty("models").EnumerateArray()], expected = [.. golden.Json.GetProperty("models").EnumerateArray()];
        check.Equal("models", configs.Length, expected.Length);
        for (int m = 0; m < configs.Length; m++)
        {
            JsonElement config = configs[m];
            int depth = config.GetProperty("depth").GetInt32();
            IReadOnlyList<DecayGroup> groups = LayerDecayGroups.Build(
                EvaluationNames.Parameters(depth, config.GetProperty("cls").GetBoolean(), config.GetProperty("use_bn").GetBoolean()),
                depth, config.GetProperty("layer_decay").GetDouble(), config.GetProperty("weight_decay").GetDouble());
            JsonElement[] wanted = [.. expected[m].GetProperty("groups").EnumerateArray()];
            check.Equal($"model {m} groups", groups.Count, wanted.Length);
            for (int g = 0; g < Math.Min(groups.Count, wanted.Length); g++)
            {
                check.SameSequence($"model {m} group {g}", groups[g].Parameters, wanted[g].GetProperty("params").EnumerateArray().Select(p => p.GetString()!));
                check.Values($"model {m} group {g} scale and decay", [groups[g].LearningRateScale, groups[g].WeightDecay],
                    [wanted[g].GetProperty("lr_scale").GetDouble(), wanted[g].GetProperty("weight_decay").GetDouble()], new Tolerance(1e-12, 1e-15, 0, 0));
            }
        }
    }
}
