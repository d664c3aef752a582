namespace Xkd.Pipeline;

/// <summary>How an epoch's order is drawn.</summary>
public enum ClipOrderKind
{
    /// <summary>Any clip may follow any other.</summary>
    Uniform,

    /// <summary>Blocks of clips that lie together are permuted, then clips within a window of blocks: for caches on disks that are slow to seek.</summary>
    Block,
}
