using System.Security.Cryptography;
using System.Text.Json;

namespace Xkd.Storage;

/// <summary>An index file: the rows of a segment's clips and, in the Parquet footer, the shards that hold their payload.</summary>
internal static class IndexFile
{
    /// <summary>Key in the footer of the shards, as JSON.</summary>
    public const string ShardsKey = "xkd.shards";

    public static Task<byte[]> WriteAsync(IReadOnlyList<ClipEntry> rows, IReadOnlyList<ShardEntry> shards) =>
        RowTable<ClipEntry>.WriteAsync(rows, new Dictionary<string, string>(StringComparer.Ordinal) { [ShardsKey] = JsonSerializer.Serialize(shards, StorageJson.Options) });

    /// <summary>The shards of a segment, from its index.</summary>
    /// <exception cref="CorruptCacheException">It is not what was committed, or says what no writer says.</exception>
    public static ShardEntry[] ReadShards(ICacheStore store, Segment segment) => segment.Index is not { } index ? [] : Guard(index.Path, () =>
    {
        var footer = RowTable<ClipEntry>.ReadMetadataAsync(Read(store, index)).GetAwaiter().GetResult();
        var shards = JsonSerializer.Deserialize<ShardEntry[]>(footer[ShardsKey], StorageJson.Options) ?? throw new InvalidDataException("no shards");
        return ManifestCheck.Problem(shards) is { } problem ? throw new CorruptCacheException(index.Path, null, problem.Field, problem.Expected, problem.Got) : shards;
    });

    /// <summary>The rows of a segment, in the order of its index.</summary>
    /// <param name="store">The cache.</param>
    /// <param name="segment">The segment.</param>
    /// <param name="shards">Those of the version, each with its place among them.</param>
    /// <param name="fingerprint">How the cache was prepared.</param>
    /// <exception cref="CorruptCacheException">It is not what was committed, or says what no writer says.</exception>
    public static ClipEntry[] ReadRows(ICacheStore store, Segment segment, IReadOnlyDictionary<string, (ShardEntry Entry, int Place)> shards, Fingerprint fingerprint) =>
        segment.Index is not { } index ? [] : Guard(index.Path, () =>
        {
            var rows = RowTable<ClipEntry>.ReadAsync(Read(store, index), segment.Rows).GetAwaiter().GetResult();
            if (rows.Length != segment.Rows)
            {
                throw new CorruptCacheException(index.Path, null, "rows", $"{segment.Rows}", $"{rows.Length}");
            }

            for (var i = 0; i < rows.Length; i++)
            {
                var problem = !shards.TryGetValue(rows[i].ShardPath, out var shard) ? ("shard", "a shard of the index", rows[i].ShardPath) : ClipEntryCheck.Problem(rows[i], shard.Entry, fingerprint);
                if (problem is var (column, expected, got))
                {
                    throw new CorruptCacheException(index.Path, i, column, expected, got);
                }

                rows[i].Shard = shard.Place;
            }

            return rows;
        });

    /// <summary>Some rows of a segment and some of their columns, in the order of its index; the other columns keep their defaults.</summary>
    public static ClipEntry[] Query(ICacheStore store, Segment segment, RowQuery<ClipEntry> query) =>
        segment.Index is { } index
            ? Guard(index.Path, () => RowTable<ClipEntry>.ReadAsync(Read(store, index), segment.Rows, query).GetAwaiter().GetResult())
            : [];

    /// <summary>A list of removed clips or items.</summary>
    public static Task<byte[]> WriteRemovedAsync(IEnumerable<string> ids) =>
        RowTable<RemovedClip>.WriteAsync([.. ids.Select(id => new RemovedClip { Id = id })], new Dictionary<string, string>(StringComparer.Ordinal));

    /// <summary>The ids of a list of removed clips.</summary>
    public static string[] ReadRemoved(ICacheStore store, Removal removal) =>
        Guard(removal.Ids.Path, () => RowTable<RemovedClip>.ReadAsync(Read(store, removal.Ids), int.MaxValue).GetAwaiter().GetResult().Select(r => r.Id).ToArray());

    /// <summary>A file that a manifest names, whole.</summary>
    /// <exception cref="CorruptCacheException">It is not what was committed.</exception>
    public static byte[] Read(ICacheStore store, StoredPart file) => Read(store, file, file.Bytes + 1);

    /// <summary>The same, of a file that may have grown since: its first bytes alone.</summary>
    public static byte[] Read(ICacheStore store, StoredPart file, long most)
    {
        var bytes = store.TryRead(file.Path, most) ?? throw new CorruptCacheException(file.Path, null, "file", $"{file.Bytes} bytes", "no file");
        if (bytes.Length != file.Bytes)
        {
            throw new CorruptCacheException(file.Path, null, "file", $"{file.Bytes} bytes", bytes.Length < file.Bytes ? $"{bytes.Length} bytes" : "more");
        }

        var hash = Convert.ToHexStringLower(SHA256.HashData(bytes));
        return hash == file.Sha256 ? bytes : throw new CorruptCacheException(file.Path, null, "file", $"sha256 {file.Sha256}", hash);
    }

    // A Parquet file that was signed as it is, but is none, ends in whatever the parsing runs into; where a page tells a length that lies, in too little memory.
    private static T[] Guard<T>(string path, Func<T[]> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is not (XkdException or OperationCanceledException))
        {
            throw new CorruptCacheException(path, null, "file", "a table that can be read", e.Message, e);
        }
    }
}

/// <summary>A row of a list of removed clips.</summary>
internal sealed record RemovedClip
{
    public required string Id { get; init; }
}
