namespace Xkd.Storage;

/// <summary>Refuses a writer's settings, all problems at once.</summary>
internal static class CacheWriterCheck
{
    public static void Require(string cache, Fingerprint fingerprint, CacheWriterOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(cache);
        ArgumentNullException.ThrowIfNull(fingerprint);
        ArgumentNullException.ThrowIfNull(options);
        string[] problems =
        [
            .. Unless(CacheLayout.IsPartName(options.Part), $"part \"{options.Part}\": use letters, digits, - and _"),
            .. FingerprintCheck.Problem(fingerprint) is { } problem ? [$"{problem.Key} {problem.Got}: use {problem.Expected}"] : Array.Empty<string>(),
            .. Unless(options.ShardBytes > 0, $"shard bytes {options.ShardBytes}: use 1 or more"),
            .. Unless(options.ShardRows > 0, $"shard rows {options.ShardRows}: use 1 or more"),
            .. Unless(options.RowGroupRows > 0, $"row group rows {options.RowGroupRows}: use 1 or more"),
            .. Unless(options.RowGroupBytes is > 0 and <= 1 << 30, $"row group bytes {options.RowGroupBytes}: use 1 to {1 << 30}"),
            .. Unless(options.JpegQuality is >= 1 and <= 100, $"JPEG quality {options.JpegQuality}: use 1 to 100"),
        ];
        if (problems.Length > 0)
        {
            throw new UsageException($"cache {cache}: {string.Join("; ", problems)}");
        }
    }

    private static string[] Unless(bool fine, string problem) => fine ? [] : [problem];
}
