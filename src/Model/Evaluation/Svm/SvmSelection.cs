namespace Xkd.Model.Evaluation;

/// <summary>What an SVM's C is chosen on.</summary>
public enum SvmSelection
{
    /// <summary>A part of the training clips.</summary>
    HeldOut,

    /// <summary>The test clips, as the released code does: the score is then an optimistic one, and the result says so.</summary>
    Test,
}
