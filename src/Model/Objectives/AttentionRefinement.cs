namespace Xkd.Model.Objectives;

/// <summary>How the teachers' class attention of one modality refines the other's patch features (paper, cross-modal attention map).</summary>
public enum AttentionRefinement
{
    /// <summary>Not at all: plain means of the patch tokens.</summary>
    None,

    /// <summary>The outer product of both attentions averaged over the other modality's patches.</summary>
    Mean,

    /// <summary>The same, with a softmax over patches.</summary>
    Softmax,
}
