namespace Xkd.Storage.Tests;

/// <summary>Caches in an object store under test.</summary>
internal static class ObjectCaches
{
    public const string Bucket = "xkd";

    public const string Cache = "s3://xkd/caches/one";

    // The SDK looks for keys in the environment; one pair suits every server of these tests.
    static ObjectCaches()
    {
        Environment.SetEnvironmentVariable("AWS_ACCESS_KEY_ID", "S3RVER");
        Environment.SetEnvironmentVariable("AWS_SECRET_ACCESS_KEY", "S3RVER");
    }

    /// <summary>Quick to try again, and with a lease that tests can wait for.</summary>
    public static ObjectStoreOptions Options(string endpoint, TempFolder folder) => new()
    {
        Endpoint = endpoint,
        Folder = Path.Combine(folder.Path, "xkd"),
        CacheBytes = 1 << 20,
        PieceBytes = 1 << 16,
        Retries = 4,
        RetryDelay = TimeSpan.FromMilliseconds(1),
        ReadsBeforeFetching = 1,
    };

    public static ObjectStore Open(string endpoint, TempFolder folder, TimeProvider? time = null) => new(Cache, Options(endpoint, folder), time ?? TimeProvider.System);
}
