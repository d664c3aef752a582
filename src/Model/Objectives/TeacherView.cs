namespace Xkd.Model.Objectives;

/// <summary>Which view the teachers see.</summary>
public enum TeacherView
{
    /// <summary>The whole global view (paper, figure 2: teachers receive the full, unmasked input).</summary>
    Global,

    /// <summary>The first local view: what the released code does (it indexes the views by the number of global ones).</summary>
    FirstLocal,
}
