namespace Xkd.Model.Weights;

/// <summary>Which copy of a pre-trained encoder: the teacher (the average that evaluation uses) or the student.</summary>
public enum WeightBranch
{
    Teacher,
    Student,
}
