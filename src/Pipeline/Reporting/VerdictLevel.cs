namespace Xkd.Pipeline;

/// <summary>How a verdict is meant.</summary>
public enum VerdictLevel
{
    /// <summary>It says what there is.</summary>
    Plain,

    /// <summary>All is well.</summary>
    Good,

    /// <summary>Something is to be looked at.</summary>
    Warning,

    /// <summary>Something is broken.</summary>
    Bad,
}
