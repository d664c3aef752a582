namespace Xkd.Model.Configuration;

/// <summary>Which view the teachers see.</summary>
public enum TeacherView
{
    /// <summary>The global view: the paper's figure.</summary>
    Global,

    /// <summary>The first local view: what the released code does.</summary>
    Local,
}
