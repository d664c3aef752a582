using System.Collections.Immutable;

namespace Xkd.Storage;

/// <summary>One committed version of a cache, for reading. Later commits do not change what it shows.</summary>
public sealed class Cache
{
    private readonly CacheLayout _layout;
    private readonly Lazy<IReadOnlyList<ClipEntry>> _clips;

    private Cache(CacheLayout layout, Manifest manifest, IReadOnlyList<string> warnings)
    {
        (_layout, Manifest, Warnings) = (layout, manifest, warnings);
        _clips = new Lazy<IReadOnlyList<ClipEntry>>(() => ClipIndex.Read(layout, manifest));
    }

    /// <summary>The cache folder, absolute.</summary>
    public string Path => _layout.Root;

    public Manifest Manifest { get; }

    /// <summary>What a person must be told: damaged newer manifests that were passed over.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>
    /// The clips sorted by id (ordinal), whatever the shard layout. Read from the shards' row indexes when first asked for, all cores at once.
    /// </summary>
    /// <exception cref="CorruptCacheException">A shard's row index or footer is damaged, or two rows have one id.</exception>
    public IReadOnlyList<ClipEntry> Clips => _clips.Value;

    /// <summary>Opens the highest complete version, or the given one.</summary>
    /// <exception cref="UsageException">No cache there, nothing committed yet, or no such version.</exception>
    /// <exception cref="FailureException">Every manifest is damaged, or the given one is.</exception>
    /// <exception cref="CorruptCacheException">A shard is missing or has another size.</exception>
    public static Cache Open(string path, int? version = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        CacheLayout layout = new(path);
        ManifestStore store = new(layout, new LocalFileSystem());
        ImmutableArray<int> versions = store.Versions();
        if (versions.IsEmpty)
        {
            throw new UsageException(Absent(layout));
        }

        if (version is { } asked && !versions.Contains(asked))
        {
            throw new UsageException($"cache {layout.Root} has no version {asked}: its versions are {versions[^1]} to {versions[0]}");
        }

        List<string> warnings = [];
        foreach (int candidate in version is { } one ? [one] : versions)
        {
            if (store.TryRead(candidate, out string problem) is { } manifest)
            {
                RequireShards(layout, manifest);
                return new Cache(layout, manifest, warnings);
            }

            warnings.Add($"{layout.Manifest(candidate)} is damaged ({problem}): passed over, clips it added are not seen; restore it from a copy");
        }

        throw new FailureException($"{string.Join("; ", warnings)}: no complete manifest is left in {layout.Root}");
    }

    /// <summary>Settled source items of this version by id.</summary>
    /// <exception cref="CorruptCacheException">A ledger part is damaged.</exception>
    public IReadOnlyDictionary<string, LedgerEntry> ReadLedger() => new LedgerStore(_layout, new LocalFileSystem()).Read(Manifest);

    /// <summary>Absolute path of a shard's file.</summary>
    internal string ShardFile(int shard) => _layout.Shard(Manifest.Shards[shard].Path);

    private static string Absent(CacheLayout layout) => layout switch
    {
        _ when !Directory.Exists(layout.Root) => $"there is no folder {layout.Root}: make a cache with xkd ingest --out {layout.Root}",
        _ when !Directory.Exists(layout.Manifests) => $"{layout.Root} is not a cache (no manifest folder): name the folder given to xkd ingest --out",
        _ => $"nothing is committed in {layout.Root} yet: let xkd ingest --out {layout.Root} finish, or run it again",
    };

    private static void RequireShards(CacheLayout layout, Manifest manifest)
    {
        foreach (ShardEntry shard in manifest.Shards)
        {
            FileInfo file = new(layout.Shard(shard.Path));
            if (!file.Exists || file.Length != shard.Bytes)
            {
                throw new CorruptCacheException(shard.Path, null, "file", $"{shard.Bytes} bytes", file.Exists ? $"{file.Length} bytes" : "no file");
            }
        }
    }
}
