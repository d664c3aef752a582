using System.Globalization;

namespace Xkd.Storage;

/// <summary>
/// Changes a committed cache: removes clips, adds columns, erases what was removed. Each change is one new version; readers of older ones read on until vacuum removes those. One process at a time
/// edits; others may ingest meanwhile.
/// </summary>
public sealed class CacheEditor
{
    private const int IndexRows = 1 << 17;
    private readonly Func<ICacheStore> _open;
    private readonly TimeProvider _time;

    /// <param name="cache">A folder, or <c>s3://bucket/prefix</c>.</param>
    /// <param name="time">The clock.</param>
    public CacheEditor(string cache, TimeProvider time)
        : this(() => CacheStores.Open(cache, time), time)
    {
    }

    internal CacheEditor(Func<ICacheStore> open, TimeProvider time) => (_open, _time) = (open, time);

    /// <summary>Removes the clips that a filter selects, from this version on. Their bytes stay until <see cref="CompactAsync"/> and <see cref="VacuumAsync"/>; ingest does not bring them back.</summary>
    /// <returns>How many.</returns>
    /// <exception cref="UsageException">It selects none, or names what is no column.</exception>
    public Task<int> RemoveAsync(ClipFilter filter, CancellationToken ct) => EditAsync(async (writer, store) =>
    {
        ArgumentNullException.ThrowIfNull(filter);
        var removed = 0;
        LedgerEntry[] lines = [];
        await writer.ChangeAsync(async (next, put) =>
        {
            var clips = ClipIndex.Read(store, next);
            HashSet<ClipEntry> gone = new(filter.Select(clips).Select(i => clips[i]), ReferenceEqualityComparer.Instance);
            ClipEntry[] kept = [.. clips.Where(c => !gone.Contains(c))];
            if (gone.Count == 0)
            {
                throw new UsageException($"cache {store.Location}: no clip {filter}; xkd cache ls {store.Location} lists what is there");
            }

            removed = gone.Count;
            var ids = put(CacheLayout.Removed, await IndexFile.WriteRemovedAsync(gone.Select(c => c.Id)));
            var left = kept.Select(Item).ToHashSet(StringComparer.Ordinal);
            lines = [.. gone.Select(Item).Distinct(StringComparer.Ordinal).Where(item => !left.Contains(item) && writer.Ledger.ContainsKey(item)).Select(item =>
                writer.Ledger[item] with { State = ItemState.Removed, Stage = null, Reason = null, Detail = "removed from the cache" })];
            var ledger = lines.Length == 0 ? null : put(CacheLayout.Ledgers, LedgerText.Write(lines));
            return next with
            {
                Clips = next.Clips - removed,
                Mel = new MelStatistics().Add(kept, next.Fingerprint),
                Removals = [.. next.Removals, new Removal { Ids = ids, Version = next.Version }],
                Segments = ledger is null ? next.Segments : [.. next.Segments, new Segment { Ledger = ledger, Version = next.Version }],
            };
        });
        writer.Told(lines);
        return removed;
    }, ct);

    /// <summary>Adds the columns of a Parquet file to the clips, joined by its column <c>id</c>. <c>label</c>, <c>labels</c>, <c>split</c> and <c>folds</c> replace those of the clips that it names.</summary>
    /// <returns>Names of the columns, and how many clips have a value.</returns>
    /// <exception cref="UsageException">It has no ids of this cache, no other column, or one that cannot be replaced.</exception>
    public Task<(IReadOnlyList<string> Names, int Clips)> AddColumnsAsync(string file, CancellationToken ct) => EditAsync(async (writer, store) =>
    {
        var (bytes, columns) = ColumnFile.Read(file);
        string[] names = [.. columns.Values.Keys];
        if (names.Length == 0 || Array.Find(names, n => ClipColumns.IsFixed(n)) is { } refused && refused.Length > 0)
        {
            throw new UsageException($"{file} has {(names.Length == 0 ? "no column beside id" : $"a column {Array.Find(names, ClipColumns.IsFixed)}, which says how a clip lies in the cache and cannot be replaced")}: "
                + "give a column id and others, such as label, split or a score");
        }

        var known = 0;
        await writer.ChangeAsync((next, put) =>
        {
            var ids = columns.Ids.ToHashSet(StringComparer.Ordinal);
            known = ClipIndex.Read(store, next).Count(c => ids.Contains(c.Id));
            if (known == 0)
            {
                throw new UsageException($"{file}: none of its {columns.Ids.Length} ids is a clip of {store.Location}; xkd cache ls {store.Location} lists the ids");
            }

            return Task.FromResult<Manifest?>(next with { Columns = [.. next.Columns, new AddedColumns(put(CacheLayout.Columns, bytes), names)] });
        });
        return ((IReadOnlyList<string>)names, known);
    }, ct);

    /// <summary>Writes shards that hold removed clips anew without them, and the index as few files. The old files stay until <see cref="VacuumAsync"/>.</summary>
    /// <returns>Shards written anew, clips they hold no more, and whether the cache was of schema 1.</returns>
    /// <remarks>A cache of schema 1 is converted: all its shards are written anew, in one version.</remarks>
    public Task<(int Shards, long Erased, bool Converted)> CompactAsync(CancellationToken ct) => EditAsync(async (writer, store) =>
    {
        if (ManifestStore.IsLegacy(store, writer.Head!.Version))
        {
            return await ConvertAsync(writer, LegacyCache.Open(store, writer.Head.Version), ct);
        }

        var head = writer.Head!;
        var live = ClipIndex.ReadRows(store, head).GroupBy(c => c.ShardPath, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.OrderBy(c => c.Row).ToArray(), StringComparer.Ordinal);
        ShardEntry[] old = [.. head.Shards.Where(s => live.GetValueOrDefault(s.Path)?.Length != s.Rows)];
        using var bytes = store.OpenShards(head);
        var (shards, rows) = await writer.RewriteAsync(old.SelectMany(s => live.GetValueOrDefault(s.Path) ?? []).Select(clip => Stored(bytes, clip, head, ct)));
        var moved = rows.ToDictionary(r => r.Id, StringComparer.Ordinal);
        var dropped = old.Select(s => s.Path).ToHashSet(StringComparer.Ordinal);
        await writer.ChangeAsync(async (next, put) =>
        {
            ClipEntry[] all = [.. ClipIndex.ReadRows(store, next).Select(c => dropped.Contains(c.ShardPath) ? moved[c.Id] : c)];
            byte[] lines = [.. next.Segments.Select(s => s.Ledger).OfType<StoredPart>().SelectMany(l => IndexFile.Read(store, l))];
            return next with { Segments = await SegmentsAsync(all, [.. next.Shards, .. shards], lines, next.Version, put), Removals = [] };
        });
        return (old.Length, old.Sum(s => (long)s.Rows) - rows.Count, false);
    }, ct, converting: true);

    private static async Task<(int Shards, long Erased, bool Converted)> ConvertAsync(CacheWriter writer, LegacyCache legacy, CancellationToken ct)
    {
        var (shards, rows) = await writer.RewriteAsync(legacy.Clips(ct));
        var lines = legacy.Ledger();
        await writer.ChangeAsync(async (next, put) => next with
        {
            Clips = rows.Count,
            Mel = legacy.Mel,
            Oldest = next.Version, // what came before is of the old schema
            Segments = await SegmentsAsync([.. rows], shards, lines, next.Version, put),
        });
        writer.Told(LedgerText.Read(lines));
        return (shards.Count, 0, true);
    }

    private static async Task<IReadOnlyList<Segment>> SegmentsAsync(ClipEntry[] rows, IReadOnlyList<ShardEntry> shards, byte[] lines, int version, Func<string, byte[], StoredPart> put)
    {
        var named = shards.ToDictionary(s => s.Path, StringComparer.Ordinal);
        List<Segment> segments = [];
        foreach (var part in rows.Chunk(IndexRows).DefaultIfEmpty([]))
        {
            segments.Add(new Segment
            {
                Index = part.Length == 0 ? null : put(CacheLayout.Indexes, await IndexFile.WriteAsync(part, [.. part.Select(r => r.ShardPath).Distinct(StringComparer.Ordinal).Select(s => named[s])])),
                Rows = part.Length,
                Ledger = segments.Count == 0 && lines.Length > 0 ? put(CacheLayout.Ledgers, lines) : null,
                Version = version,
                Level = Segments.MostMerged,
            });
        }

        return segments;
    }

    /// <summary>Removes versions that are older than that, and the files that no later version names.</summary>
    /// <returns>Versions and files removed, and their bytes.</returns>
    public Task<(int Versions, int Files, long Bytes)> VacuumAsync(TimeSpan olderThan, CancellationToken ct) => EditAsync(async (writer, store) =>
    {
        ManifestStore manifests = new(store);
        var before = _time.GetUtcNow() - olderThan;
        Manifest[] kept = [];
        await writer.ChangeAsync((next, _) =>
        {
            Manifest[] versions = [.. manifests.Versions().Where(v => v >= next.Oldest).Order().Select(v => manifests.TryRead(v, out var problem) ?? throw new FailureException($"{manifests.Place(v)} is damaged ({problem}): restore it from a copy, or delete it"))];
            kept = [.. versions.SkipWhile(m => m.Version < next.Parent && DateTimeOffset.Parse(m.Created, CultureInfo.InvariantCulture) < before)];
            return Task.FromResult(kept.Length == versions.Length ? null : next with { Oldest = kept[0].Version });
        });
        var named = kept.Append(writer.Head!).SelectMany(m => m.Files.Select(f => f.Path).Concat(m.Segments.SelectMany(manifests.Shards).Select(s => s.Path))).ToHashSet(StringComparer.Ordinal);
        var numbers = writer.Head!.Parts.ToDictionary(p => p.Name, p => p.Number, StringComparer.Ordinal);
        StoredFile[] versionsGone = [.. store.List(CacheLayout.Manifests).Where(f => CacheLayout.ParseManifest(f.Name) < writer.Head.Oldest).OrderBy(f => CacheLayout.ParseManifest(f.Name))];

        // A higher number than the last commit's is of a writer at work.
        StoredFile[] files = [.. CacheLayout.Numbered.SelectMany(store.List).Where(f => f.Other is null && !named.Contains(f.Name) && CacheLayout.Parse(f.Name) is { } file && file.Number <= numbers.GetValueOrDefault(file.Part))];
        foreach (var file in versionsGone.Concat(files))
        {
            ct.ThrowIfCancellationRequested();
            store.Delete(file.Name);
        }

        return (versionsGone.Length, files.Length, versionsGone.Concat(files).Sum(f => f.Bytes));
    }, ct);

    private static string Item(ClipEntry clip) => clip.Item ?? clip.Id;

    private static ClipRecord Stored(IShardBytes shards, ClipEntry clip, Manifest manifest, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        return StoredClip.Read(shards, clip, manifest.Fingerprint);
    }

    private async Task<T> EditAsync<T>(Func<CacheWriter, ICacheStore, Task<T>> edit, CancellationToken ct, bool converting = false)
    {
        using var store = _open();
        var head = new ManifestStore(store, converting).Head() ?? throw new UsageException(store.Absence()); // before anything is made there
        CacheWriterOptions options = new() { Part = CacheWriterOptions.EditPart, Converting = converting };
        await using var writer = await CacheWriter.OpenAsync(_open(), head.Fingerprint, options, _time, ct);
        return await DiskErrors.GuardAsync(store.Location, () => edit(writer, store));
    }
}
