using static TorchSharp.torch;

namespace Xkd.Model.Objectives;

/// <summary>What one branch contributes to the cross-modal terms.</summary>
/// <param name="Features">Input of the projector [rows, D]. A student's rows are its global view's, then each local view's.</param>
/// <param name="Logits">Output of the projector [rows, K].</param>
public sealed record BranchOutput(Tensor Features, Tensor Logits);
