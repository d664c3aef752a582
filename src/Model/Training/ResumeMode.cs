namespace Xkd.Model.Training;

/// <summary>What to do with a run folder that already holds a run.</summary>
public enum ResumeMode
{
    /// <summary>Refuse it.</summary>
    Never,

    /// <summary>Continue it; there must be one.</summary>
    Required,

    /// <summary>Continue it if there is one, otherwise start: what a requeued job wants.</summary>
    Auto,
}
