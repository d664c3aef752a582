namespace Xkd.Model.Objectives;

/// <summary>Which temperature softens the video student's logits.</summary>
public enum StudentTemperatureRule
{
    /// <summary>Each student's own (the paper's tau_s; equal for both modalities in every published setting).</summary>
    PerModality,

    /// <summary>The audio student's for both: what the released code does (its video student temperature is never read).</summary>
    AudioForBoth,
}
