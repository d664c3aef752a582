using TorchSharp;
using Xkd.Model.Evaluation;
using Xkd.Model.Torch;

namespace Xkd.Conformance;

/// <summary>Multi-label metrics after each way of combining a clip's windows.</summary>
internal sealed class MeanAveragePrecisionTopic : IGoldenTopic
{
    public IReadOnlyCollection<string> Topics => ["map"];

    public void Run(GoldenCase golden, GoldenCheck check)
    {
        int classes = golden.Config.GetProperty("classes").GetInt32(), clips = golden.Config.GetProperty("clips").GetInt32();
        float[] logits = golden.Floats("in/logits"), targets = golden.Floats("in/targets");
        check.Equal("samples", targets.Length / classes, golden.Config.GetProperty("samples").GetInt32());
        LibTorch.Load();
        using var scope = torch.NewDisposeScope();
        var windows = torch.tensor(logits).reshape(-1, classes);
        foreach (var activation in new[] { "sigmoid", "none" })
        {
            foreach (var ensemble in Enum.GetValues<ClipEnsemble>())
            {
                var name = $"{activation}_{ensemble.ToString().ToLowerInvariant()}";
                var scores = ClassifierEvaluation.Combine(activation == "sigmoid" ? torch.sigmoid(windows) : windows, clips, ensemble).data<float>().ToArray();
                var metrics = MultiLabelMetrics.Of(scores, targets, classes, released: true);
                check.Close($"out/{name}/all_aps", metrics.AveragePrecisions, [classes]);
                check.Scalar($"{name}/mean_ap", metrics.MeanAp);
                check.Scalar($"{name}/mean_wap", metrics.MeanWeightedAp);
                check.Scalar($"{name}/mean_auc", metrics.MeanAuc);
            }
        }

        var tiled = torch.tensor(targets).reshape(-1, 1, classes).expand(-1, clips, classes).reshape(-1, classes);
        check.Scalar("bce_with_logits_tiled", EvaluationLosses.MultiLabel(windows, tiled).item<float>());
    }
}
