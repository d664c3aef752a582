using static TorchSharp.torch;

namespace Xkd.Model.Method;

/// <summary>
/// Refinement of the teachers' features by both modalities' class attention (paper, cross-modal attention map): patches that both modalities attend to
/// weigh more.
/// </summary>
internal static class CrossModalAttention
{
    /// <summary>
    /// Weights of one modality's patches from its own class attention [B, heads, N] and the other modality's [B, heads, M], to [B, heads, N]. The outer
    /// product of both attentions averaged over M factors into the own attention times the other's mean, so the N×M map is never built.
    /// </summary>
    public static Tensor Refine(Tensor own, Tensor other, AttentionRefinement mode)
    {
        using var scope = NewDisposeScope();
        var crossed = own * other.mean([-1L], keepdim: true); // [B, heads, N]
        return scope.MoveToOuter(mode switch
        {
            AttentionRefinement.Mean => crossed / own.mean([-1L], keepdim: true),
            AttentionRefinement.Softmax => nn.functional.softmax(crossed, -1),
            _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "no refinement has no weights"),
        });
    }

    /// <summary>
    /// Patch features [B, N, D] weighted by attention [B, heads, N] averaged over heads, and rescaled so that the energy of their mean stays what it was.
    /// </summary>
    public static Tensor AlignFeatures(Tensor features, Tensor attention)
    {
        using var scope = NewDisposeScope();
        var weighted = features * attention.mean([1L]).unsqueeze(-1); // [B, N, D]
        var before = features.mean([1L], keepdim: true).norm(-1, keepdim: true, p: 2); // [B, 1, 1]
        var after = weighted.mean([1L], keepdim: true).norm(-1, keepdim: true, p: 2); // [B, 1, 1]
        return scope.MoveToOuter(weighted * (before / after));
    }
}
