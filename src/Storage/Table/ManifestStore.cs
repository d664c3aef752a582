using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Runtime.ExceptionServices;

namespace Xkd.Storage;

/// <summary>The versions of a cache's manifest in its store.</summary>
/// <param name="store">The cache.</param>
/// <param name="converting">A version of schema 1 is one that holds nothing yet, instead of an error.</param>
internal sealed class ManifestStore(ICacheStore store, bool converting = false)
{
    private const string Absent = "no file";

    // Of the segments' index files, which never change.
    private readonly ConcurrentDictionary<string, ShardEntry[]> _shards = new(StringComparer.Ordinal);

    /// <summary>Version numbers present, highest first, complete or not.</summary>
    public ImmutableArray<int> Versions() =>
        [.. store.List(CacheLayout.Manifests).Select(f => CacheLayout.ParseManifest(f.Name)).OfType<int>().OrderDescending()];

    /// <summary>Null, with the reason, when that version is truncated, altered or gone.</summary>
    /// <exception cref="CorruptCacheException">It is complete, and it or an index says what no writer says: nothing of such a cache is to be believed.</exception>
    /// <exception cref="UsageException">It is of another schema.</exception>
    public Manifest? TryRead(int version, out string problem)
    {
        var name = CacheLayout.Manifest(version);
        problem = "";
        if (store.TryRead(name) is not { } bytes)
        {
            problem = Absent;
            return null;
        }

        var manifest = converting && LegacyCache.Skeleton(bytes) is { } skeleton ? skeleton : ManifestText.TryRead(name, bytes, out problem);
        return manifest is not null && manifest.Version != version ? throw new CorruptCacheException(name, null, "version", $"{version}", $"{manifest.Version}") : manifest;
    }

    /// <summary>The manifest with the shards that its index files list.</summary>
    /// <exception cref="CorruptCacheException">An index file is damaged.</exception>
    public Manifest Listing(Manifest manifest)
    {
        Each(manifest.Segments.Where(s => s.Index is { } index && !_shards.ContainsKey(index.Path)), segment => Shards(segment));
        return manifest with { Shards = [.. manifest.Segments.SelectMany(Shards)] };
    }

    /// <summary>The same, where no shard is listed twice and the manifest lists no others.</summary>
    /// <exception cref="CorruptCacheException">It does, or an index file is damaged.</exception>
    public Manifest WithShards(Manifest manifest)
    {
        var listing = Listing(manifest);
        var problem = ManifestCheck.Problem(listing.Shards)
            ?? (manifest.Listed?.SequenceEqual(listing.Shards) == false ? ("shards", "those of the index files", "others") : null);
        return problem is var (field, expected, got)
            ? throw new CorruptCacheException(CacheLayout.Manifest(manifest.Version), null, field, expected, got)
            : listing;
    }

    /// <summary>
    /// The newest of the versions that follow one, or any; null when none does. Looks for them by name, in doubling steps: a folder of a hundred thousand is slow to
    /// list, and so is each of a thousand versions to read.
    /// </summary>
    /// <exception cref="FailureException">One of them is damaged.</exception>
    public Manifest? After(Manifest? manifest)
    {
        if (manifest is null)
        {
            return Head();
        }

        Manifest? newest = null;
        var step = 1;
        for (; Reaches(step); step *= 2)
        {
        }

        for (step /= 2; step > 0; step /= 2)
        {
            Reaches(step);
        }

        return newest;

        bool Reaches(int further)
        {
            var version = (newest ?? manifest).Version + further;
            if (TryRead(version, out var problem) is not { } next)
            {
                return problem == Absent ? false : throw Damaged(version, problem);
            }

            newest = next;
            return true;
        }
    }

    /// <summary>An index file's shards, from who has just written it.</summary>
    public void Know(StoredPart index, IReadOnlyList<ShardEntry> shards) => _shards[index.Path] = [.. shards];

    /// <summary>The shards of a segment.</summary>
    public ShardEntry[] Shards(Segment segment) => segment.Index is { } index ? _shards.GetOrAdd(index.Path, _ => IndexFile.ReadShards(store, segment)) : [];

    /// <summary>
    /// The version to grow from; null when there is none. A damaged newest version is refused: growing from the one before it would
    /// take that version's shards for leftovers and remove them.
    /// </summary>
    public Manifest? Head()
    {
        var versions = Versions();
        if (versions.IsEmpty)
        {
            return null;
        }

        return TryRead(versions[0], out var problem) ?? throw Damaged(versions[0], problem);
    }

    /// <summary>Whether a version is of schema 1.</summary>
    public static bool IsLegacy(ICacheStore store, int version) => store.TryRead(CacheLayout.Manifest(version)) is { } bytes && LegacyCache.Skeleton(bytes) is not null;

    /// <summary>Puts a version in place unless it exists. Complete and on disk before it has its name.</summary>
    public bool TryPut(Manifest manifest, string part)
    {
        var listed = manifest with { Listed = manifest.Segments.Any(s => s.Level > 0) ? null : [.. manifest.Segments.SelectMany(Shards)] };
        return store.TryPut(CacheLayout.Manifest(manifest.Version), ManifestText.Write(listed), part);
    }

    /// <summary>Where a version lies, for a person.</summary>
    public string Place(int version) => $"{store.Location}/{CacheLayout.Manifest(version)}";

    /// <summary>As many at once as the store is worth; of several errors one is thrown.</summary>
    public void Each<T>(IEnumerable<T> items, Action<T> work)
    {
        try
        {
            Parallel.ForEach(items, new ParallelOptions { MaxDegreeOfParallelism = store.Parallelism }, work);
        }
        catch (AggregateException e) when (e.InnerExceptions.OfType<XkdException>().FirstOrDefault() is { } first)
        {
            ExceptionDispatchInfo.Throw(first); // verify lists them all
        }
    }

    private FailureException Damaged(int version, string problem) =>
        new($"{Place(version)} is damaged ({problem}): restore it from a copy, or delete it to go back to the version before and redo what it added");
}
