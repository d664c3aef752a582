namespace Xkd.Model.Training;

/// <summary>What a run does when the disk has no room for a checkpoint.</summary>
public enum FullDiskPolicy
{
    /// <summary>End with the last good checkpoint: make room, and resume.</summary>
    Stop,

    /// <summary>Say so, count it, and go on; the next checkpoint is tried when it is due. A run does not end well without its last one.</summary>
    Continue,
}
