using System.Collections.Immutable;

namespace Xkd.Storage;

/// <summary>The versions of a cache's manifest in its store.</summary>
internal sealed class ManifestStore(ICacheStore store)
{
    /// <summary>Version numbers present, highest first, complete or not.</summary>
    public ImmutableArray<int> Versions() =>
        [.. store.List(CacheLayout.Manifests).Select(f => CacheLayout.ParseManifest(f.Name)).OfType<int>().OrderDescending()];

    /// <summary>Null, with the reason, when that version is truncated, altered or gone.</summary>
    /// <exception cref="CorruptCacheException">It is complete, and says what no writer says: nothing of such a cache is to be believed.</exception>
    /// <exception cref="UsageException">It is of a schema that this program does not know.</exception>
    public Manifest? TryRead(int version, out string problem)
    {
        var name = CacheLayout.Manifest(version);
        if (store.TryRead(name) is not { } bytes)
        {
            problem = "no file";
            return null;
        }

        var manifest = ManifestText.TryRead(name, bytes, out problem);
        return manifest is not null && manifest.Version != version ? throw new CorruptCacheException(name, null, "version", $"{version}", $"{manifest.Version}") : manifest;
    }

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

        return TryRead(versions[0], out var problem)
            ?? throw new FailureException($"{Place(versions[0])} is damaged ({problem}): restore it from a copy, or delete it to go back to the version before and redo what it added");
    }

    /// <summary>Puts a version in place unless it exists. Complete and on disk before it has its name.</summary>
    public bool TryPut(Manifest manifest, string part) => store.TryPut(CacheLayout.Manifest(manifest.Version), ManifestText.Write(manifest), part);

    /// <summary>Where a version lies, for a person.</summary>
    public string Place(int version) => $"{store.Location}/{CacheLayout.Manifest(version)}";
}
