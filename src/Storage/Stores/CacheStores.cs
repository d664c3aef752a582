namespace Xkd.Storage;

/// <summary>Finds the store that a cache's name means: a folder, or <c>s3://bucket/prefix</c>.</summary>
internal static class CacheStores
{
    /// <param name="cache">The name.</param>
    /// <param name="time">Pauses between repetitions; the system's clock when null.</param>
    /// <param name="objects">How an object store is reached; null asks the environment.</param>
    public static ICacheStore Open(string cache, TimeProvider? time = null, ObjectStoreOptions? objects = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(cache);
        time ??= TimeProvider.System;
        return ObjectAddress.Is(cache)
            ? new ObjectStore(cache, objects ?? ObjectStoreOptions.FromEnvironment(), time)
            : new LocalStore(cache, new RetryingFileSystem(new LocalFileSystem(), time));
    }
}
