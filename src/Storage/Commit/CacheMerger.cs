namespace Xkd.Storage;

/// <summary>
/// Closes a cache that several processes wrote (<c>ingest --merge</c>). Every commit already grows from the newest version, whoever wrote it, so
/// there are no rows to merge: what dead writers left is removed and <c>ledger.jsonl</c> is brought up to the newest manifest.
/// </summary>
public static class CacheMerger
{
    internal const string Part = "merge";

    /// <summary>Returns the version in force.</summary>
    /// <exception cref="UsageException">No cache there, or nothing committed.</exception>
    /// <exception cref="FailureException">The newest manifest or a ledger is damaged, or the folder cannot be written.</exception>
    public static async Task<Manifest> MergeAsync(string cache, TimeProvider time, CancellationToken ct)
    {
        var newest = Cache.Open(cache).Manifest;
        CacheWriterOptions options = new() { Part = Part };
        await using var writer = await CacheWriter.OpenAsync(cache, newest.Fingerprint, options, time, ct);
        return await writer.CommitAsync(ct);
    }
}
