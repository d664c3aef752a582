namespace Xkd.Model.Evaluation;

/// <summary>What counts as found.</summary>
public enum RetrievalTarget
{
    /// <summary>The same clip in the other modality.</summary>
    SameClip,

    /// <summary>Any clip of the same class.</summary>
    SameClass,
}
