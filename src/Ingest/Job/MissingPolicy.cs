namespace Xkd.Ingest;

/// <summary>What becomes of a source that lacks one of the modalities asked for.</summary>
public enum MissingPolicy
{
    /// <summary>The item fails with reason no-audio or no-video.</summary>
    Drop,

    /// <summary>Silence or black frames of the other modality's length stand in.</summary>
    Pad,

    /// <summary>The clip is committed with what there is: num_frames or mel_frames is 0.</summary>
    Keep,
}
