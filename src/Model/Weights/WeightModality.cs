namespace Xkd.Model.Weights;

/// <summary>Which encoder a set of weights belongs to.</summary>
public enum WeightModality
{
    Video,
    Audio,
}
