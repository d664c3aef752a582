namespace Xkd.Model.Configuration;

/// <summary>Whether a clip has one class or any number of them.</summary>
public enum LabelKind
{
    /// <summary>One class; judged by accuracy.</summary>
    Single,

    /// <summary>Any number of classes; judged by mean average precision.</summary>
    Multi,
}
