namespace Xkd.Storage;

/// <summary>A cache was made with another preparation than the one asked for.</summary>
public sealed class FingerprintMismatchException(string cache, IReadOnlyList<string> differences)
    : UsageException($"cache {cache} was prepared otherwise (cache ≠ asked): {string.Join(", ", differences)}: use the cache's own values, or ingest into another folder")
{
    public string Cache { get; } = cache;

    /// <summary>One text per differing key, the cache's value first.</summary>
    public IReadOnlyList<string> Differences { get; } = differences;
}
