using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Xkd.Storage;

/// <summary>One committed version of a cache, for reading. Later commits do not change what it shows.</summary>
public sealed class Cache
{
    private readonly ICacheStore _store;
    private readonly Lazy<IReadOnlyList<ClipEntry>> _clips;
    private readonly Lazy<MelStatistics> _mel;

    private Cache(ICacheStore store, Manifest manifest, IReadOnlyList<string> warnings)
    {
        (_store, Manifest, Warnings) = (store, manifest, warnings);
        _clips = new Lazy<IReadOnlyList<ClipEntry>>(() => ClipIndex.Read(store, manifest));
        _mel = new Lazy<MelStatistics>(() => manifest.Mel);
    }

    private Cache(Cache whole, ClipFilter filter, int[] selected)
    {
        (_store, Manifest, Warnings, Filter) = (whole._store, whole.Manifest, whole.Warnings, filter);
        _clips = new Lazy<IReadOnlyList<ClipEntry>>(() => [.. selected.Select(i => whole.Clips[i])]);
        _mel = new Lazy<MelStatistics>(() => new MelStatistics().Add(Clips, Manifest.Fingerprint));
    }

    /// <summary>The cache folder, absolute, or <c>s3://bucket/prefix</c>.</summary>
    public string Path => _store.Location;

    public Manifest Manifest { get; }

    /// <summary>What a person must be told: damaged newer manifests that were passed over.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>
    /// The clips sorted by id (ordinal), whatever the shard layout. Read from the index when first asked for, all cores at once.
    /// </summary>
    /// <exception cref="CorruptCacheException">An index file is damaged, or two rows have one id.</exception>
    public IReadOnlyList<ClipEntry> Clips => _clips.Value;

    /// <summary>Of the log-mel of <see cref="Clips"/>.</summary>
    public MelStatistics Mel => _mel.Value;

    /// <summary>What <see cref="Clips"/> were selected by.</summary>
    public ClipFilter Filter { get; } = ClipFilter.All;

    /// <summary>The clips of this version that a filter selects, with their ids and the named columns alone; none where nothing matches.</summary>
    /// <exception cref="UsageException">A condition names no column of the cache.</exception>
    public IReadOnlyList<ClipEntry> Query(ClipFilter filter, params IEnumerable<string> columns)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return ClipIndex.Query(_store, Manifest, filter, columns);
    }

    /// <summary>This version with the clips that a filter selects, as if it held no others.</summary>
    /// <exception cref="UsageException">It selects none, or names no column of the cache.</exception>
    public Cache Select(ClipFilter filter)
    {
        ArgumentNullException.ThrowIfNull(filter);
        if (filter.IsAll)
        {
            return this;
        }

        var selected = filter.Select(Clips);
        return selected.Length > 0 ? new Cache(this, filter, selected) : throw new UsageException($"cache {Path}: no clip {filter}; xkd cache ls {Path} lists what is there");
    }

    /// <summary>Opens the highest complete version, or the given one.</summary>
    /// <param name="path">A folder, or <c>s3://bucket/prefix</c>.</param>
    /// <param name="version">Null: the highest that is complete.</param>
    /// <param name="objects">How an object store is reached; null asks the environment.</param>
    /// <exception cref="UsageException">No cache there, nothing committed yet, or no such version.</exception>
    /// <exception cref="CorruptCacheException">
    /// Every manifest is truncated or altered, or the given one is; one says what no writer says; a shard is missing, no file, or has another size.
    /// </exception>
    /// <exception cref="UnreadableFileException">This process may not read a manifest.</exception>
    public static Cache Open(string path, int? version = null, ObjectStoreOptions? objects = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Open(CacheStores.Open(path, objects: objects), version);
    }

    /// <summary>Opens the highest complete version of what may become a cache; null where nothing is committed yet. Writes nothing.</summary>
    /// <exception cref="UsageException">The folder holds other things, or is a file.</exception>
    /// <exception cref="CorruptCacheException">As <see cref="Open(string, int?, ObjectStoreOptions?)"/>.</exception>
    public static Cache? TryOpen(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var store = CacheStores.Open(path);
        store.RequirePlace();
        if (!new ManifestStore(store).Versions().IsEmpty)
        {
            return Open(store);
        }

        store.Dispose();
        return null;
    }

    internal static Cache Open(ICacheStore store, int? version = null)
    {
        ManifestStore manifests = new(store);
        var versions = manifests.Versions();
        if (versions.IsEmpty)
        {
            throw new UsageException(store.Absence());
        }

        if (version is { } asked && !versions.Contains(asked))
        {
            throw new UsageException($"cache {store.Location} has no version {asked}: its versions are {versions[^1]} to {versions[0]}");
        }

        List<string> warnings = [], problems = [];
        foreach (var candidate in version is { } one ? [one] : versions)
        {
            if (manifests.TryRead(candidate, out var problem) is { } manifest)
            {
                manifest = manifests.WithShards(manifest);
                RequireShards(store, manifest);
                return new Cache(store, manifest, warnings);
            }

            problems.Add($"{CacheLayout.Manifest(candidate)}: {problem}");
            warnings.Add($"{manifests.Place(candidate)} is damaged ({problem}): passed over, clips it added are not seen; restore it from a copy");
        }

        throw new CorruptCacheException($"{store.Location}/{CacheLayout.Manifests}", null, "manifest", "a complete one", string.Join("; ", problems));
    }

    /// <summary>
    /// SHA-256, lower-case hex, of what tells these clips from others: id, shape and log-mel checksum of each in the global order. The same however
    /// the clips lie in shards, and wherever the cache lies.
    /// </summary>
    public string ClipsHash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var clip in Clips)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{clip.Id}\n{clip.NumFrames} {clip.Width} {clip.Height} {clip.MelFrames} {clip.MelHash}\n")));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Settled source items of this version by id.</summary>
    /// <exception cref="CorruptCacheException">A ledger part is damaged.</exception>
    public IReadOnlyDictionary<string, LedgerEntry> ReadLedger() => new LedgerStore(_store).Read(Manifest);

    /// <summary>The shards for reading; the caller closes them.</summary>
    internal IShardBytes OpenShards() => _store.OpenShards(Manifest);

    private static void RequireShards(ICacheStore store, Manifest manifest)
    {
        var there = store.List(CacheLayout.Shards).DistinctBy(f => f.Name).ToDictionary(f => f.Name, StringComparer.Ordinal);
        foreach (var shard in manifest.Shards)
        {
            if (!there.TryGetValue(shard.Path, out var found) || found.Bytes != shard.Bytes || found.Other is not null)
            {
                throw new CorruptCacheException(shard.Path, null, "file", $"{shard.Bytes} bytes", found.Name is null ? "no file" : found.Other ?? $"{found.Bytes} bytes");
            }

            store.RequireReadable(shard.Path); // now, and not when training comes to it
        }
    }
}
