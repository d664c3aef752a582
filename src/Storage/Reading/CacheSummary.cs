namespace Xkd.Storage;

/// <summary>What a cache holds: the fields of <c>inspect --json</c>.</summary>
public sealed record CacheSummary
{
    /// <summary>Manifest version.</summary>
    public required int Version { get; init; }

    public required int Clips { get; init; }

    /// <summary>Source items that failed.</summary>
    public required int Failed { get; init; }

    /// <summary>Hours of media over all clips.</summary>
    public required double Hours { get; init; }

    /// <summary>Bytes of all shards.</summary>
    public required long Bytes { get; init; }

    /// <summary>Clips per class name; a clip of several labels counts under each.</summary>
    public required IReadOnlyDictionary<string, int> Classes { get; init; }

    /// <summary>Clips per split; clips without one are not counted.</summary>
    public required IReadOnlyDictionary<string, int> Splits { get; init; }

    public required Fingerprint Fingerprint { get; init; }

    /// <summary>Opens a cache and counts; errors are those of <see cref="Cache.Open(string, int?, ObjectStoreOptions?)"/>.</summary>
    public static CacheSummary Of(string cache) => Of(Cache.Open(cache));

    public static CacheSummary Of(Cache cache)
    {
        ArgumentNullException.ThrowIfNull(cache);
        return new CacheSummary
        {
            Version = cache.Manifest.Version,
            Clips = cache.Manifest.Clips,
            Failed = cache.ReadLedger().Values.Count(e => e.State == ItemState.Failed),
            Hours = cache.Clips.Sum(c => c.Duration) / 3600,
            Bytes = cache.Manifest.Shards.Sum(s => s.Bytes),
            Classes = Count(cache.Clips.SelectMany(c => c.Label is null ? c.Labels : c.Labels.Append(c.Label).Distinct())),
            Splits = Count(cache.Clips.Select(c => c.Split).OfType<string>()),
            Fingerprint = cache.Manifest.Fingerprint,
        };
    }

    private static SortedDictionary<string, int> Count(IEnumerable<string> names) =>
        new(names.CountBy(n => n).ToDictionary(StringComparer.Ordinal), StringComparer.Ordinal);
}
