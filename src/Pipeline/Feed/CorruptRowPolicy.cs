namespace Xkd.Pipeline;

/// <summary>What the training feed does with a row whose checksum does not match.</summary>
public enum CorruptRowPolicy
{
    /// <summary>The run ends with the typed error. The default.</summary>
    Fail,

    /// <summary>
    /// The row is left out and counted, and its slot is filled by the next position of the epoch's unused tail (the last N mod B
    /// positions, which no step visits); no clip is seen twice. When the tail is used up the run ends.
    /// </summary>
    Skip,
}
