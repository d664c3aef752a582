namespace Xkd.Storage;

/// <summary>Reads the clips of a manifest: its segments' rows without those that were removed, nothing of the payload.</summary>
internal static class ClipIndex
{
    /// <returns>Clips sorted by id, ordinal, with the columns that were added.</returns>
    /// <exception cref="CorruptCacheException">An index file is damaged, or two rows have one id.</exception>
    public static ClipEntry[] Read(ICacheStore store, Manifest manifest)
    {
        var clips = ReadRows(store, manifest);
        return manifest.Columns.Count == 0 ? clips : ClipColumns.Add(clips, [.. manifest.Columns.Select(c => Added(store, c))]);
    }

    /// <summary>Some columns of the clips that a filter selects, sorted by id: a listing of millions reads what it shows, and keeps what it selects.</summary>
    public static ClipEntry[] Query(ICacheStore store, Manifest manifest, ClipFilter filter, IEnumerable<string> columns)
    {
        if (manifest.Columns.Count > 0)
        {
            var clips = Read(store, manifest); // added columns are joined by id to all clips
            return [.. filter.Select(clips).Select(i => clips[i])];
        }

        HashSet<string> conditions = [.. filter.Columns, .. manifest.Removals.Count > 0 ? ["id", "item"] : Array.Empty<string>()];
        HashSet<string> wanted = ["id", .. columns, .. filter.Columns];
        var removed = Removed(store, manifest);
        var found = new ClipEntry[manifest.Segments.Count][];
        new ManifestStore(store).Each(Enumerable.Range(0, found.Length), i =>
        {
            var later = Later(manifest.Segments[i], manifest.Removals, removed);
            var test = filter.Test([]); // one for each thread: it remembers texts
            RowQuery<ClipEntry> query = new(conditions, wanted, row => test(row) && !IsNamed(row, later));
            found[i] = IndexFile.Query(store, manifest.Segments[i], query);
        });
        return Sorted(found);
    }

    /// <returns>Clips sorted by id, ordinal, as the index files have them.</returns>
    /// <exception cref="CorruptCacheException">An index file is damaged, or two rows have one id.</exception>
    public static ClipEntry[] ReadRows(ICacheStore store, Manifest manifest)
    {
        ManifestStore manifests = new(store);
        var shards = Places(manifest.Shards);
        var rows = new ClipEntry[manifest.Segments.Count][];
        var removed = Removed(store, manifest);
        manifests.Each(Enumerable.Range(0, rows.Length), i => rows[i] = Live(manifest.Segments[i], IndexFile.ReadRows(store, manifest.Segments[i], shards, manifest.Fingerprint), manifest.Removals, removed));
        var clips = Sorted(rows);
        if (Doubled(clips) is { } doubled)
        {
            throw new CorruptCacheException(doubled.ShardPath, doubled.Row, "id", "each id once", $"{doubled.Id} twice");
        }

        return clips.Length == manifest.Clips ? clips : throw new CorruptCacheException(CacheLayout.Manifest(manifest.Version), null, "clips", $"{clips.Length}", $"{manifest.Clips}");
    }

    /// <summary>The ids that each removal names, by its file.</summary>
    public static Dictionary<string, HashSet<string>> Removed(ICacheStore store, Manifest manifest) =>
        manifest.Removals.ToDictionary(r => r.Ids.Path, r => IndexFile.ReadRemoved(store, r).ToHashSet(StringComparer.Ordinal), StringComparer.Ordinal);

    /// <summary>Rows that no later removal names, by their own id or their item's.</summary>
    public static ClipEntry[] Live(Segment segment, ClipEntry[] rows, IReadOnlyList<Removal> removals, IReadOnlyDictionary<string, HashSet<string>> removed)
    {
        var later = Later(segment, removals, removed);
        return later.Length == 0 ? rows : [.. rows.Where(row => !IsNamed(row, later))];
    }

    /// <summary>Whether a removal of these ids, of clips or of items, hides a row.</summary>
    public static bool IsNamed(ClipEntry row, HashSet<string> ids) => ids.Contains(row.Id) || (row.Item is { } item && ids.Contains(item));

    /// <summary>Shards by path, each with its place in the list.</summary>
    public static Dictionary<string, (ShardEntry Entry, int Place)> Places(IReadOnlyList<ShardEntry> shards) =>
        shards.Select((shard, place) => (shard, place)).ToDictionary(s => s.shard.Path, s => (s.shard, s.place), StringComparer.Ordinal);

    /// <summary>Clips by id, ordinal.</summary>
    public static ClipEntry[] Sorted(ClipEntry[][] parts)
    {
        ClipEntry[] clips = [.. parts.SelectMany(p => p)];
        Array.Sort(Array.ConvertAll(clips, c => c.Id), clips, StringComparer.Ordinal);
        return clips;
    }

    /// <summary>The first of sorted clips that has the id of the one before it.</summary>
    public static ClipEntry? Doubled(ClipEntry[] clips)
    {
        var at = Enumerable.Range(1, Math.Max(0, clips.Length - 1)).FirstOrDefault(i => clips[i].Id == clips[i - 1].Id);
        return at > 0 ? clips[at] : null;
    }

    private static HashSet<string>[] Later(Segment segment, IReadOnlyList<Removal> removals, IReadOnlyDictionary<string, HashSet<string>> removed) =>
        [.. removals.Where(r => r.Version > segment.Version).Select(r => removed[r.Ids.Path])];

    private static bool IsNamed(ClipEntry row, HashSet<string>[] removals) => Array.Exists(removals, ids => IsNamed(row, ids));

    private static ColumnFile Added(ICacheStore store, AddedColumns columns)
    {
        try
        {
            return ColumnFile.Read(columns.File.Path, IndexFile.Read(store, columns.File));
        }
        catch (UsageException e)
        {
            throw new CorruptCacheException(columns.File.Path, null, "columns", "a table of columns", e.Message, e); // it was one when it was added
        }
    }
}
