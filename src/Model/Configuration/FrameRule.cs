namespace Xkd.Model.Configuration;

/// <summary>Which rule the frames of a cache must have been made by.</summary>
public enum FrameRule
{
    /// <summary>The frame on screen, as the released code takes it; what <c>ingest</c> caches.</summary>
    OnScreen,

    /// <summary>That of the cache, whichever it is: older ones hold the nearest frame.</summary>
    Any,
}
