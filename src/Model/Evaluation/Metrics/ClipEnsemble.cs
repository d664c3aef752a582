namespace Xkd.Model.Evaluation;

/// <summary>How the scores of a clip's windows become one.</summary>
public enum ClipEnsemble
{
    Mean,
    Max,
    Sum,
}
