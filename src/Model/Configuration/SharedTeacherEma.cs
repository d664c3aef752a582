namespace Xkd.Model.Configuration;

/// <summary>How often MATS's shared teacher blocks follow the student in one step.</summary>
public enum SharedTeacherEma
{
    /// <summary>Once.</summary>
    Once,

    /// <summary>Once per modality, so with momentum ema_video · ema_audio: the released code.</summary>
    Twice,
}
