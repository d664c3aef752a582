namespace Xkd.Model.Optimization;

/// <summary>How often the blocks that MATS's two teachers share follow the students in one step.</summary>
public enum SharedTeacherUpdate
{
    /// <summary>Once, with the video teacher's momentum (the two are equal in every published setting): what a moving average means.</summary>
    Once,

    /// <summary>Once per teacher, so with the product of both momenta: what the released code does.</summary>
    Twice,
}
