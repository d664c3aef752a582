namespace Xkd.Model;

/// <summary>How far the two modalities share one set of transformer blocks (paper, section on modality-agnostic encoders).</summary>
public enum XkdVariant
{
    /// <summary>Modality-specific: every network has its own blocks.</summary>
    Xkd,

    /// <summary>Modality-agnostic student: the two students share their blocks, the teachers do not.</summary>
    Mas,

    /// <summary>Modality-agnostic teacher and student: the students share one set of blocks, the teachers another.</summary>
    Mats,
}
