using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>Where the files of a run are not as its cache has them. Ids, in ordinal order.</summary>
public sealed record SourceChanges
{
    /// <summary>Settled items whose file has another size, or was written later, than when it was read.</summary>
    public IReadOnlyList<string> Changed { get; init; } = [];

    /// <summary>New items whose file the cache has under an id that is gone.</summary>
    public IReadOnlyList<MovedSource> Moved { get; init; } = [];

    /// <summary>Committed items whose file is nowhere to be found.</summary>
    public IReadOnlyList<string> Gone { get; init; } = [];

    /// <summary>
    /// Compares what a catalog lists with a ledger. Sizes and times decide, nothing is read. An earlier time is no change, nor is another time at another
    /// path: copies of datasets have both. A line that does not say size and time is not compared.
    /// </summary>
    /// <param name="items">All the catalog lists, those of other partitions too: a file may have moved to one of theirs.</param>
    /// <param name="ledger">The cache's lines.</param>
    /// <param name="origins">What the cache was ingested from.</param>
    /// <param name="run">What this run ingests.</param>
    /// <param name="isPending">Whether a run would ingest an item.</param>
    /// <param name="owns">Whether an id is one of this process's. A moved file is that of its new id, a file that is gone was that of its old one.</param>
    /// <param name="stampOf">Looks at a file; null for <see cref="FileStamp.Of"/>.</param>
    /// <param name="isGone">Whether a file is certainly not there; null for <see cref="FileStamp.IsGone"/>.</param>
    /// <param name="cancellationToken">Ends the looking.</param>
    internal static SourceChanges Find(
        IReadOnlyList<SourceItem> items, IReadOnlyDictionary<string, LedgerEntry> ledger, IReadOnlyList<IngestOrigin> origins, IngestOrigin run,
        Func<SourceItem, bool> isPending, Func<string, bool> owns,
        Func<string, FileStamp?>? stampOf = null, Func<string, bool>? isGone = null, CancellationToken cancellationToken = default)
    {
        stampOf ??= FileStamp.Of;
        isGone ??= FileStamp.IsGone;
        var settled = items.Where(item => owns(item.Id) && !isPending(item) && ledger[item.Id].State != ItemState.Removed);
        var changed = Those([.. settled], item => IsChanged(item, ledger[item.Id], stampOf), cancellationToken);

        // Committed items without a file of their own, though it may be listed under another id.
        var listed = items.Where(static item => !item.IsAbsent).Select(static item => item.Id).ToHashSet(StringComparer.Ordinal);
        var paths = items.Where(static item => !item.IsAbsent).Select(static item => item.Path).ToHashSet(StringComparer.Ordinal);
        var unlisted = ledger.Values
            .Where(entry => entry.State == ItemState.Committed && !listed.Contains(entry.Id) && Covers(entry.Source, origins, run))
            .OrderBy(static entry => entry.Id, StringComparer.Ordinal);
        var left = Those([.. unlisted], entry => paths.Contains(entry.Source) || isGone(entry.Source), cancellationToken);
        var moved = Moves(left, items.Where(isPending), stampOf);
        var found = moved.Select(static move => move.From).ToHashSet(StringComparer.Ordinal);
        var gone = left.Where(entry => owns(entry.Id) && !found.Contains(entry.Id) && !paths.Contains(entry.Source));
        return new SourceChanges
        {
            Changed = [.. changed.Select(static item => item.Id)],
            Moved = moved.FindAll(move => owns(move.To)),
            Gone = [.. gone.Select(static entry => entry.Id)],
        };
    }

    // In their order. PLINQ would wait until the pool has a thread for each of its tasks, which takes the pool seconds.
    private static List<T> Those<T>(IReadOnlyList<T> all, Func<T, bool> isOne, CancellationToken cancellationToken)
    {
        ParallelOptions many = new() { MaxDegreeOfParallelism = 16, CancellationToken = cancellationToken }; // a network file system answers them as fast as one
        var found = new bool[all.Count];
        Parallel.For(0, all.Count, many, i => found[i] = isOne(all[i]));
        return [.. all.Where((_, i) => found[i])];
    }

    /// <summary>What a person must know, and may do about it.</summary>
    internal IEnumerable<string> Say(ChangedPolicy policy, GonePolicy gonePolicy)
    {
        if (Changed.Count > 0)
        {
            yield return $"{Files(Changed.Count)} changed since ingest ({Few(Changed)}): " + (policy == ChangedPolicy.Replace
                ? "decoded again, to replace the cached clips"
                : "the cached clips stay; --changed replace decodes again");
        }

        if (Moved.Count > 0)
        {
            var names = Few(Moved.Select(static move => $"{move.From} is now {move.To}"));
            yield return $"{Files(Moved.Count)} moved ({names}): " + (policy == ChangedPolicy.Replace
                ? "decoded again, to replace the clips of the old id by those of the new"
                : "the cached clips stay under the old id and label, and nothing is ingested under the new; --changed replace replaces them");
        }

        if (Gone.Count > 0)
        {
            yield return $"{Files(Gone.Count)} gone ({Few(Gone)}): the cached clips "
                + (gonePolicy == GonePolicy.Remove ? "are removed" : "stay; --gone remove removes them");
        }
    }

    /// <exception cref="UsageException">A file has changed.</exception>
    internal void RequireUnchanged(string cache)
    {
        if (Changed.Count > 0)
        {
            throw new UsageException($"--changed fail: {Files(Changed.Count)} changed since ingest into {cache}: {Few(Changed)}; "
                + "--changed replace decodes again, --changed keep leaves the cached clips.");
        }
    }

    private static bool IsChanged(SourceItem item, LedgerEntry settled, Func<string, FileStamp?> stampOf)
    {
        // An id that names a recording may lie in another container now: that is no change of the file that was read.
        var known = item.Path == settled.Source || item.Alternatives.Any(file => file.Path == settled.Source);
        var comparable = !item.IsAbsent && item.Flaw is null && (known || !item.NamesRecording);
        if (!comparable || settled.Bytes is not { } bytes || stampOf(known ? settled.Source : item.Path) is not { } now)
        {
            return false;
        }

        return now.Bytes != bytes || (known && now.Mtime > settled.Mtime + FileStamp.Instant);
    }

    // Only what no other root, list or split of this cache can have brought in may be missed here.
    private static bool Covers(string source, IReadOnlyList<IngestOrigin> origins, IngestOrigin run)
    {
        if (!IsBelow(source, run.Root))
        {
            return false;
        }

        var around = origins.Where(origin => IsBelow(source, origin.Root)).ToList();
        return around.Count > 0 && around.TrueForAll(origin =>
            origin.Root == run.Root && origin.Dataset == run.Dataset && origin.Annotations == run.Annotations
            && (run.Split is null || origin.Split == run.Split));
    }

    private static bool IsBelow(string path, string root) =>
        path.StartsWith(root, StringComparison.Ordinal) && (root.EndsWith('/') || (path.Length > root.Length && path[root.Length] == '/'));

    // A name, a size and a time are one file's; of several alike each is taken once. A stretch of a file is not the file.
    private static List<MovedSource> Moves(List<LedgerEntry> left, IEnumerable<SourceItem> pending, Func<string, FileStamp?> stampOf)
    {
        var byName = left.Where(static entry => entry is { Bytes: not null, Mtime: not null })
            .GroupBy(static entry => Path.GetFileName(entry.Source), StringComparer.Ordinal)
            .ToDictionary(static group => group.Key, static group => group.ToList(), StringComparer.Ordinal);
        var whole = pending.Where(static item => item is { IsAbsent: false, Flaw: null, NamesRecording: false, Start: null, End: null });
        List<MovedSource> moves = [];
        foreach (var item in byName.Count == 0 ? [] : whole)
        {
            if (byName.TryGetValue(Path.GetFileName(item.Path), out var entries) && stampOf(item.Path) is { } now
                && entries.Find(entry => entry.Bytes == now.Bytes && Math.Abs(entry.Mtime!.Value - now.Mtime) <= FileStamp.Instant) is { } same)
            {
                entries.Remove(same);
                moves.Add(new MovedSource(same.Id, item.Id));
            }
        }

        return moves;
    }

    private static string Files(int count) => count == 1 ? "1 file has" : FormattableString.Invariant($"{count} files have");

    private static string Few(IEnumerable<string> names)
    {
        const int Shown = 3;
        var few = names.Take(Shown + 1).ToList();
        return string.Join(", ", few.Take(Shown)) + (few.Count > Shown ? ", …" : "");
    }
}

/// <summary>A file that is ingested under one id and listed under another.</summary>
/// <param name="From">The id it has in the cache.</param>
/// <param name="To">The id it is listed under.</param>
public sealed record MovedSource(string From, string To);
