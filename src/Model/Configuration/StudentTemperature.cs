namespace Xkd.Model.Configuration;

/// <summary>Which student temperature the distillation losses use.</summary>
public enum StudentTemperature
{
    /// <summary>Each student its own.</summary>
    Modality,

    /// <summary>The audio student's for both: the released code never reads the video one.</summary>
    Audio,
}
