using System.Globalization;

namespace Xkd.Storage;

/// <summary>How caches in object stores are reached, and what of them is kept on the local disk.</summary>
public sealed record ObjectStoreOptions
{
    /// <summary>Names the folder for whatever this program keeps between runs.</summary>
    public const string FolderVariable = "XKD_CACHE_DIR";

    /// <summary>Bounds the local copies of shards, in bytes or as 200GiB.</summary>
    public const string SizeVariable = "XKD_CACHE_SIZE";

    /// <summary>The service's address; null is that of the region at AWS.</summary>
    public string? Endpoint { get; init; }

    /// <summary>The region that requests are signed for; null is the SDK's own choice (profile, instance).</summary>
    public string? Region { get; init; }

    /// <summary>Folder for local copies of shards and for shards on their way out.</summary>
    public required string Folder { get; init; }

    /// <summary>Bytes that local copies of shards may take, over all processes that share the folder; 100 GiB.</summary>
    public long CacheBytes { get; init; } = 100L << 30;

    /// <summary>How often a call is tried again; 8.</summary>
    public int Retries { get; init; } = 8;

    /// <summary>Pause before the first repetition; each next one is about twice as long, up to 10 s. 100 ms.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>How long one try of a call may take; one of <see cref="PieceBytes"/>. Less than half of <see cref="Lease"/>; 25 s.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(25);

    /// <summary>Bytes of one call; a service may refuse pieces below 5 MiB. 16 MiB.</summary>
    public int PieceBytes { get; init; } = 16 << 20;

    /// <summary>A part whose writer gave no sign for this long may be taken over; 60 s.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Reads from the store after which a reader has proved to be more than a peek, so that whole shards are fetched behind it; 16.</summary>
    public int ReadsBeforeFetching { get; init; } = 16;

    /// <summary>The standard AWS variables, <c>XKD_CACHE_DIR</c> (else <c>~/.cache/xkd</c>) and <c>XKD_CACHE_SIZE</c>. Credentials are the SDK's to find.</summary>
    /// <exception cref="UsageException">A variable makes no sense.</exception>
    public static ObjectStoreOptions FromEnvironment()
    {
        static string? Get(params string[] names) => names.Select(Environment.GetEnvironmentVariable).FirstOrDefault(v => !string.IsNullOrEmpty(v));

        ObjectStoreOptions options = new()
        {
            Endpoint = Get("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
            Region = Get("AWS_REGION", "AWS_DEFAULT_REGION"),
            Folder = Path.GetFullPath(Get(FolderVariable) ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "xkd")),
        };
        if (options.Endpoint is { } endpoint && !(Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"))
        {
            throw new UsageException($"AWS_ENDPOINT_URL_S3 \"{endpoint}\" is no address: write http://HOST:PORT or https://HOST");
        }

        return Get(SizeVariable) is { } size ? options with { CacheBytes = ParseSize(size) } : options;
    }

    private static long ParseSize(string text)
    {
        (var suffix, var unit) = Array.Find([("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40), ("GB", 1_000_000_000L), ("TB", 1_000_000_000_000L), ("", 1L)],
            ((string Suffix, long Unit) u) => text.EndsWith(u.Suffix, StringComparison.Ordinal));
        return double.TryParse(text[..^suffix.Length], NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= 0
            ? (long)(value * unit)
            : throw new UsageException($"{SizeVariable} \"{text}\" is no size: write one such as 200GiB, or 0 to keep nothing");
    }
}
