namespace Xkd.Model.Configuration;

/// <summary>The paper's three variants.</summary>
public enum Variant
{
    /// <summary>Modality-specific students and teachers.</summary>
    Xkd,

    /// <summary>Modality-agnostic student: both students share their transformer blocks.</summary>
    Mas,

    /// <summary>Modality-agnostic teacher and student: the teachers share theirs too.</summary>
    Mats,
}
