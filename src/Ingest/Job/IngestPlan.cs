using Xkd.Storage;

namespace Xkd.Ingest;

/// <summary>What a run has to do, of what its catalog lists and its cache has.</summary>
internal sealed record IngestPlan
{
    /// <summary>Reason of a removed item whose clips are under another id now. It is an item again once its file is back.</summary>
    public const string MovedAway = "moved";

    /// <summary>Reason of a removed item whose file was gone. It is an item again once its file is back and <c>--retry-failed</c> asks for it.</summary>
    public const string WasGone = "gone";

    /// <summary>Items of this process, whether there is anything to do or not.</summary>
    public required int Total { get; init; }

    /// <summary>Items to be decoded.</summary>
    public required Queue<PendingItem> Pending { get; init; }

    /// <summary>Of the pending items, those of which the cache has no line yet, moved ones not among them.</summary>
    public required int New { get; init; }

    /// <summary>Items that failed before and are not tried again.</summary>
    public required int FailedEarlier { get; init; }

    public required SourceChanges Changes { get; init; }

    /// <summary>By a pending item's id, the committed item whose clips its own replace.</summary>
    public required IReadOnlyDictionary<string, string> Replaces { get; init; }

    /// <summary>Committed items to remove.</summary>
    public required IReadOnlyList<string> Removes { get; init; }

    /// <param name="options">The run.</param>
    /// <param name="run">The same as the cache keeps it.</param>
    /// <param name="items">All that the catalog lists.</param>
    /// <param name="ledger">The cache's lines.</param>
    /// <param name="origins">What the cache was ingested from.</param>
    /// <param name="cancellationToken">Ends the looking at files.</param>
    /// <exception cref="UsageException">An id is settled as another root's file, or a file has changed and must not.</exception>
    public static IngestPlan Of(
        IngestOptions options, IngestOrigin run, IReadOnlyList<SourceItem> items, IReadOnlyDictionary<string, LedgerEntry> ledger,
        IReadOnlyList<IngestOrigin> origins, CancellationToken cancellationToken)
    {
        List<SourceItem> own = [.. items.Where(item => Owns(item.Id))];
        var failedEarlier = 0;
        foreach (var item in own.Where(item => !IsPending(item)))
        {
            cancellationToken.ThrowIfCancellationRequested(); // another root's files are looked at, one by one
            SettledSource.RequireSame(item, ledger[item.Id], options.Out);
            failedEarlier += ledger[item.Id].State == ItemState.Failed ? 1 : 0;
        }

        var changes = SourceChanges.Find(items, ledger, origins, run, IsPending, Owns, cancellationToken: cancellationToken);
        if (options.Changed == ChangedPolicy.Fail)
        {
            changes.RequireUnchanged(options.Out);
        }

        var replacing = options.Changed == ChangedPolicy.Replace;
        var changed = replacing ? changes.Changed.ToHashSet(StringComparer.Ordinal) : [];
        var moved = changes.Moved.ToDictionary(static move => move.To, static move => move.From, StringComparer.Ordinal);
        var pending = own.FindAll(item => changed.Contains(item.Id) || (IsPending(item) && (replacing || !moved.ContainsKey(item.Id))));
        var committed = ledger.Values.Where(static entry => entry.State == ItemState.Committed).Select(static entry => entry.Id);
        var replaces = replacing ? new Dictionary<string, string>(moved, StringComparer.Ordinal) : [];
        foreach (var id in changed.Where(id => ledger[id].State == ItemState.Committed))
        {
            replaces.Add(id, id);
        }

        return new IngestPlan
        {
            Total = own.Count,
            Pending = new Queue<PendingItem>(
                SharedIds.Mark(pending, ledger.ContainsKey, committed).Select(item => new PendingItem(item, ledger.GetValueOrDefault(item.Id)?.Attempts ?? 0))),
            New = pending.Count(item => !ledger.ContainsKey(item.Id) && !moved.ContainsKey(item.Id)),
            FailedEarlier = failedEarlier - changed.Count(id => ledger[id].State == ItemState.Failed),
            Changes = changes,
            Replaces = replaces,
            Removes = options.Gone == GonePolicy.Remove ? changes.Gone : [],
        };

        bool Owns(string id) => Partition.Owns(id, options.Partition, options.Partitions);

        bool IsPending(SourceItem item) => !ledger.TryGetValue(item.Id, out var entry) || entry.State switch
        {
            ItemState.Failed => options.RetryFailed,
            ItemState.Removed => item is { IsAbsent: false, Flaw: null } && (entry.Reason == MovedAway || (entry.Reason == WasGone && options.RetryFailed)),
            _ => false,
        };
    }
}
