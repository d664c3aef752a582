using System.Collections.Immutable;

namespace Xkd.Storage;

/// <summary>The versions of a cache's manifest on disk.</summary>
internal sealed class ManifestStore(CacheLayout layout, IFileSystem files)
{
    /// <summary>Version numbers present, highest first, complete or not.</summary>
    public ImmutableArray<int> Versions() =>
        Directory.Exists(layout.Manifests)
            ? [.. Directory.EnumerateFiles(layout.Manifests).Select(f => CacheLayout.ParseManifest(Path.GetFileName(f))).OfType<int>().OrderDescending()]
            : [];

    /// <summary>Null, with the reason, when that version is damaged or gone.</summary>
    public Manifest? TryRead(int version, out string problem)
    {
        if (!File.Exists(layout.Manifest(version)))
        {
            problem = "no file";
            return null;
        }

        Manifest? manifest = ManifestText.TryRead(File.ReadAllBytes(layout.Manifest(version)), out problem);
        if (manifest is not null && manifest.Version != version)
        {
            problem = $"it says version {manifest.Version}";
            return null;
        }

        return manifest;
    }

    /// <summary>
    /// The version to grow from; null when there is none. A damaged newest version is refused: growing from the one before it would
    /// take that version's shards for leftovers and remove them.
    /// </summary>
    public Manifest? Head()
    {
        ImmutableArray<int> versions = Versions();
        if (versions.IsEmpty)
        {
            return null;
        }

        return TryRead(versions[0], out string problem)
            ?? throw new FailureException($"{layout.Manifest(versions[0])} is damaged ({problem}): restore it from a copy, or delete it to go back to the version before and redo what it added");
    }

    /// <summary>Puts a version in place unless it exists. Complete and on disk before it has its name.</summary>
    public bool TryPut(Manifest manifest, string part)
    {
        string path = layout.Manifest(manifest.Version);
        string temporary = CacheLayout.Temporary(path, part);
        files.Delete(temporary);
        using (Stream file = files.CreateNew(temporary))
        {
            file.Write(ManifestText.Write(manifest));
        }

        files.SyncFile(temporary);
        if (!files.TryLink(temporary, path))
        {
            files.Delete(temporary);
            return false;
        }

        files.SyncDirectory(layout.Manifests);
        return true;
    }
}
