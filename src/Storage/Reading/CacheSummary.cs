namespace Xkd.Storage;

/// <summary>What a cache holds: the fields of <c>inspect --json</c>.</summary>
public sealed record CacheSummary
{
    /// <summary>Manifest version.</summary>
    public required int Version { get; init; }

    public required int Clips { get; init; }

    /// <summary>Source items that failed.</summary>
    public required int Failed { get; init; }

    /// <summary>Hours of media.</summary>
    public required double Hours { get; init; }

    /// <summary>Bytes of all shards.</summary>
    public required long Bytes { get; init; }

    /// <summary>Clips per class name.</summary>
    public required IReadOnlyDictionary<string, int> Classes { get; init; }

    /// <summary>Clips per split.</summary>
    public required IReadOnlyDictionary<string, int> Splits { get; init; }

    public required Fingerprint Fingerprint { get; init; }

    public static CacheSummary Of(string cache) => throw new NotSupportedException(cache);
}
