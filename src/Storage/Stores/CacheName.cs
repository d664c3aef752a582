namespace Xkd.Storage;

/// <summary>A cache's name as a person gives it: a folder, or <c>s3://bucket/prefix</c>.</summary>
public static class CacheName
{
    /// <summary>The same name from any working folder.</summary>
    /// <exception cref="UsageException">It begins as an object store's but is none.</exception>
    public static string Full(string cache) => ObjectAddress.Is(cache) ? ObjectAddress.Parse(cache).ToString() : Path.TrimEndingDirectorySeparator(Path.GetFullPath(cache));

    /// <summary>Whether a folder is a cache, by the folders in it that every writer makes before its first file.</summary>
    public static bool IsAt(string folder) =>
        new[] { CacheLayout.Manifests, CacheLayout.Shards, CacheLayout.Ledgers }.All(part => Directory.Exists(Path.Combine(folder, part)));
}
