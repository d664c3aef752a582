using TorchSharp;
using Xkd.Model.Evaluation;
using Xkd.Model.Torch;

namespace Xkd.Conformance;

/// <summary>Multi-window classification as in the reference's test loop, and the losses of training.</summary>
internal sealed class DenseAccuracyTopic : IGoldenTopic
{
    private const string Smoothing = "label_smoothing_ce_";

    public IReadOnlyCollection<string> Topics => ["dense_accuracy"];

    public void Run(GoldenCase golden, GoldenCheck check)
    {
        int classes = golden.Config.GetProperty("classes").GetInt32(), clips = golden.Config.GetProperty("clips").GetInt32();
        var logits = golden.Floats("in/logits");
        var targets = golden.Int64s("in/targets");
        var labels = Array.ConvertAll(targets, t => (int)t);
        LibTorch.Load();
        using var scope = torch.NewDisposeScope();
        var windows = torch.tensor(logits).reshape(-1, classes);
        var confidence = ClassifierEvaluation.Combine(torch.nn.functional.softmax(windows, -1), clips, ClipEnsemble.Mean).data<float>().ToArray();
        check.Close("out/confidence", confidence, [labels.Length, classes]);

        // Meters weighted by batch size are the mean over samples, however these were batched.
        check.Equal("batches", golden.Config.GetProperty("batches").Ints().Sum(), labels.Length);
        var scores = Array.ConvertAll(confidence, v => (double)v);
        check.Scalar("top1", TopK.Accuracy(scores, classes, labels, 1));
        check.Scalar("top5", TopK.Accuracy(scores, classes, labels, 5));
        check.Scalar("loss", EvaluationLosses.CrossEntropy(windows, torch.tensor(targets).repeat_interleave(clips)).item<float>());
        var first = windows.reshape(-1, clips, classes)[torch.TensorIndex.Colon, 0];
        check.Scalar("soft_target_ce", EvaluationLosses.SoftCrossEntropy(first, torch.tensor(golden.Floats("in/soft_targets")).reshape(-1, classes)).item<float>());
        foreach (var name in golden.Scalars.Keys.Where(n => n.StartsWith(Smoothing, StringComparison.Ordinal)))
        {
            check.Scalar(name, EvaluationLosses.CrossEntropy(first, torch.tensor(targets), double.Parse(name.AsSpan(Smoothing.Length))).item<float>());
        }
    }
}
