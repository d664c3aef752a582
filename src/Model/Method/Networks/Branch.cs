using static TorchSharp.torch;

namespace Xkd.Model.Method;

#pragma warning disable IDE1006 // field names are state-dict names

/// <summary>What one branch contributes to the cross-modal terms.</summary>
/// <param name="Features">Input of the projector [rows, D]. A student's rows are its global view's, then each local view's.</param>
/// <param name="Logits">Output of the projector [rows, K].</param>
public sealed record BranchOutput(Tensor Features, Tensor Logits);

/// <summary>A teacher or a student of one modality: a backbone and its projector.</summary>
public sealed class Branch : nn.Module
{
    private readonly ViT backbone;
    private readonly Projector head;

    public Branch(ViT backbone, Projector head)
        : base(nameof(Branch))
    {
        (this.backbone, this.head) = (backbone, head);
        RegisterComponents();
    }

    public ViT Backbone => backbone;

    public Projector Head => head;

    /// <summary>Mean of the patch tokens, the class token left out: [B, prefix + N, D] to [B, D].</summary>
    public Tensor PatchMean(Tensor tokens) => tokens.narrow(1, backbone.Prefix, tokens.shape[1] - backbone.Prefix).mean([1L]);
}
