namespace Xkd.Storage;

/// <summary>
/// Removes what writers left behind that died before their commit: temporary files, and shards that got their name but no manifest's line.
/// Their items are in no manifest either, so they are done again.
/// </summary>
internal sealed class Leftovers(CacheLayout layout, IFileSystem files)
{
    /// <summary>Clears up after a part whose lock the caller holds, and after every part nobody holds.</summary>
    public void Remove(string heldPart, Manifest? head)
    {
        foreach (IGrouping<string, string> part in Find(head).GroupBy(f => f.Part, f => f.Path, StringComparer.Ordinal))
        {
            if (part.Key == heldPart)
            {
                Delete(part);
                continue;
            }

            using IDisposable? held = files.TryLock(layout.Lock(part.Key));
            if (held is not null)
            {
                // Listed again under the lock: its writer may have committed and left between the listing and here.
                Delete(Find(new ManifestStore(layout, files).Head()).Where(f => f.Part == part.Key).Select(f => f.Path));
            }
        }
    }

    private List<(string Part, string Path)> Find(Manifest? head)
    {
        HashSet<string> listed = [.. head?.Shards.Select(s => layout.Shard(s.Path)) ?? []];
        List<(string, string)> found = [];
        foreach (string path in new[] { layout.Shards, layout.Manifests, layout.Root }.SelectMany(Directory.EnumerateFiles))
        {
            string name = Path.GetFileName(path);
            if (CacheLayout.ParseTemporary(name) is { } writer)
            {
                found.Add((writer, path));
            }
            else if (Path.GetDirectoryName(path) == layout.Shards && CacheLayout.ParseShard(name) is { } shard && !listed.Contains(path))
            {
                found.Add((shard.Part, path));
            }
        }

        return found;
    }

    private void Delete(IEnumerable<string> paths)
    {
        foreach (string path in paths)
        {
            files.Delete(path);
        }
    }
}
