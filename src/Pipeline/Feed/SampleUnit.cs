namespace Xkd.Pipeline;

/// <summary>What an epoch visits once.</summary>
public enum SampleUnit
{
    /// <summary>Every clip of the cache: a long source that was cut into segments is visited once for each. The default.</summary>
    PerClip,

    /// <summary>Every source: one window of all its segments, as in the released code. A window may begin in one segment and end in the next.</summary>
    PerVideo,
}
