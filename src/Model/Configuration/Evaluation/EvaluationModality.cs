namespace Xkd.Model.Configuration;

/// <summary>Which encoders an evaluation uses.</summary>
public enum EvaluationModality
{
    Video,
    Audio,

    /// <summary>Both, their features joined: audio first.</summary>
    Av,
}
