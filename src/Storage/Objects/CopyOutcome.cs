namespace Xkd.Storage;

/// <summary>What came of making a local copy of a shard.</summary>
internal enum CopyOutcome
{
    /// <summary>It is there.</summary>
    There,

    /// <summary>Another process is making it.</summary>
    OthersWork,

    /// <summary>The bound, or the disk, leaves no room beside what is in use.</summary>
    NoRoom,
}
