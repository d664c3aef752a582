namespace Xkd.Ingest;

/// <summary>What becomes of items whose file has changed, or has moved to another id, since they were ingested.</summary>
public enum ChangedPolicy
{
    /// <summary>Their clips stay as they are, and the run says so.</summary>
    Keep,

    /// <summary>They are decoded again: new clips take the old ones' place in one commit. Where that fails the old clips stay.</summary>
    Replace,

    /// <summary>A file that has changed ends the run before anything is written.</summary>
    Fail,
}

/// <summary>What becomes of the clips of items whose file is gone.</summary>
public enum GonePolicy
{
    /// <summary>They stay, and the run says so.</summary>
    Keep,

    /// <summary>They are removed from the cache.</summary>
    Remove,
}
