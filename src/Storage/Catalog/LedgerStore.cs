using System.Text.Json;

namespace Xkd.Storage;

/// <summary>The ledger in its store: each commit adds a file of lines, which becomes visible with its rows by one step, the manifest's name appearing.</summary>
internal sealed class LedgerStore(ICacheStore store)
{
    /// <summary>Items of a version by id.</summary>
    /// <exception cref="CorruptCacheException">A file of it is not what was committed.</exception>
    public Dictionary<string, LedgerEntry> Read(Manifest manifest)
    {
        Dictionary<string, LedgerEntry> ledger = new(StringComparer.Ordinal);
        foreach (var entry in manifest.Segments.SelectMany(segment => Read(segment)))
        {
            LedgerText.Merge(ledger, entry);
        }

        return ledger;
    }

    /// <summary>The lines of one segment, or those of the items that are wanted.</summary>
    /// <exception cref="CorruptCacheException">Its file is not what was committed, or no ledger.</exception>
    public List<LedgerEntry> Read(Segment segment, Func<string, bool>? isWanted = null)
    {
        List<LedgerEntry> entries = [];
        try
        {
            if (segment.Ledger is { } file)
            {
                entries.AddRange(LedgerText.Read(IndexFile.Read(store, file), isWanted));
            }
        }
        catch (JsonException e)
        {
            throw new CorruptCacheException(segment.Ledger!.Path, entries.Count, "ledger", "a line of the ledger", e.Message, e);
        }

        return entries;
    }

    /// <summary>Brings <c>ledger.jsonl</c> up to date: one line per item, sorted by id.</summary>
    public void WriteMerged(IReadOnlyDictionary<string, LedgerEntry> ledger, string part) =>
        store.Replace(CacheLayout.Ledger, part, file => LedgerText.WriteTo(file, ledger.Values.OrderBy(e => e.Id, StringComparer.Ordinal)));

    /// <summary>Whether <c>ledger.jsonl</c> has a line for each item.</summary>
    public bool IsMerged(IReadOnlyDictionary<string, LedgerEntry> ledger)
    {
        using var found = store.TryOpen(CacheLayout.Ledger);
        using MemoryStream expected = new();
        LedgerText.WriteTo(expected, ledger.Values.OrderBy(e => e.Id, StringComparer.Ordinal));
        expected.Seek(0, SeekOrigin.Begin);
        return found is not null && FileDigest.Of(found, CancellationToken.None).Sha256 == FileDigest.Of(expected, CancellationToken.None).Sha256;
    }
}
