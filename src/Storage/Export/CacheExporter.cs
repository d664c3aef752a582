namespace Xkd.Storage;

/// <summary>The formats of <c>cache export</c>.</summary>
public static class ExportFormats
{
    /// <summary>Tar shards of the webdataset library.</summary>
    public const string WebDataset = "webdataset";

    /// <summary>A folder of Parquet files that Hugging Face datasets loads.</summary>
    public const string HuggingFace = "hf";

    public static string[] All => [WebDataset, HuggingFace];
}

/// <summary>How to export.</summary>
public sealed record CacheExportOptions
{
    /// <summary>One of <see cref="ExportFormats"/>.</summary>
    public required string Format { get; init; }

    /// <summary>Replaces an earlier export in the folder; without it a folder that is not empty is refused.</summary>
    public bool Force { get; init; }

    /// <summary>Bytes after which the next file begins. Default 256 MiB.</summary>
    public long ShardBytes { get; init; } = 256 << 20;

    /// <summary>Told of clips written, and of how many.</summary>
    public Action<int, int>? Progress { get; init; }
}

/// <summary>Writes clips for other programs. Files get their names together at the end: what fails leaves nothing.</summary>
public static class CacheExporter
{
    /// <returns>Clips and files written, and the bytes of the files.</returns>
    /// <exception cref="UsageException">No clip is selected, or the folder is not empty, or cannot be written.</exception>
    /// <exception cref="CorruptCacheException">A value of the cache is not as committed.</exception>
    public static async Task<(int Clips, int Files, long Bytes)> ExportAsync(
        Cache cache, ClipFilter filter, string folder, CacheExportOptions options, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(cache);
        ArgumentNullException.ThrowIfNull(filter);
        ArgumentNullException.ThrowIfNull(options);
        ClipEntry[] clips = [.. filter.Select(cache.Clips).Select(i => cache.Clips[i])];
        if (clips.Length == 0)
        {
            throw new UsageException($"cache {cache.Path}: no clip {filter}; xkd cache ls lists what is there");
        }

        using ExportFolder target = new(folder, options.Force);
        await using IClipWriter writer = options.Format == ExportFormats.HuggingFace
            ? new HuggingFaceWriter(target, cache, clips, options.ShardBytes)
            : new WebDatasetWriter(target, cache, clips, options.ShardBytes);
        using var shards = cache.OpenShards();
        var done = 0;
        foreach (var clip in writer.Clips)
        {
            ct.ThrowIfCancellationRequested();
            await writer.AddAsync(StoredClip.Read(shards, clip, cache.Manifest.Fingerprint));
            done++;
            options.Progress?.Invoke(done, clips.Length);
        }

        await writer.CompleteAsync();
        var (files, bytes) = target.Commit();
        return (done, files, bytes);
    }
}

/// <summary>Writes clips in one format.</summary>
internal interface IClipWriter : IAsyncDisposable
{
    /// <summary>The clips in the order in which it wants them.</summary>
    IEnumerable<ClipEntry> Clips { get; }

    Task AddAsync(ClipRecord clip);

    /// <summary>Completes all files.</summary>
    Task CompleteAsync();
}
