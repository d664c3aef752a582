namespace Xkd.Model.Evaluation;

/// <summary>Which of a training's evaluations is the result.</summary>
public enum ReportedScore
{
    /// <summary>The last epoch's: nothing was chosen on the test clips.</summary>
    Last,

    /// <summary>The best evaluation: chosen on the test clips, which the result says.</summary>
    Best,

    /// <summary>What the released code calls best: the best accuracy, but the latest mean average precision, whose best is never raised.</summary>
    Released,
}
