namespace Xkd.Model.Configuration;

/// <summary>What happens when a row of the cache fails its checksum during training.</summary>
public enum CorruptRows
{
    /// <summary>The run ends, naming shard, row and column.</summary>
    Fail,

    /// <summary>The clip is left out and counted.</summary>
    Skip,
}
