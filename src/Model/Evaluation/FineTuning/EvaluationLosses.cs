using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>Losses of linear evaluation and fine-tuning, each a mean over rows (multi-label: over rows and classes).</summary>
public static class EvaluationLosses
{
    /// <summary>Cross-entropy with integer labels and label smoothing: (1 − s) of it is the label's, s is spread evenly over the classes.</summary>
    /// <param name="logits">[N, classes].</param>
    /// <param name="labels">[N] int64.</param>
    /// <param name="smoothing">0 … 1.</param>
    public static Tensor CrossEntropy(Tensor logits, Tensor labels, double smoothing = 0) => nn.functional.cross_entropy(logits, labels, label_smoothing: smoothing);

    /// <summary>Cross-entropy with a distribution per row, as Mixup and CutMix make them: −Σ t log p.</summary>
    /// <param name="logits">[N, classes].</param>
    /// <param name="targets">[N, classes].</param>
    public static Tensor SoftCrossEntropy(Tensor logits, Tensor targets) => -(targets * nn.functional.log_softmax(logits, -1)).sum(-1).mean();

    /// <summary>Binary cross-entropy of each class.</summary>
    /// <param name="logits">[N, classes].</param>
    /// <param name="targets">[N, classes], 0 … 1.</param>
    public static Tensor MultiLabel(Tensor logits, Tensor targets) => nn.functional.binary_cross_entropy_with_logits(logits, targets);
}
