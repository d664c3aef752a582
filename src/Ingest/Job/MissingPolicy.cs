namespace Xkd.Ingest;

/// <summary>What becomes of a source that lacks one of the modalities asked for, and of the segments of a long source past the end of one.</summary>
public enum MissingPolicy
{
    /// <summary>The item fails with reason no-audio or no-video; such segments are left out, with a warning.</summary>
    Drop,

    /// <summary>Silence or black frames up to the other modality's length stand in.</summary>
    Pad,

    /// <summary>The clip is committed with what there is: num_frames or mel_frames is 0. Of sound past the end of the picture there is no clip.</summary>
    Keep,
}
