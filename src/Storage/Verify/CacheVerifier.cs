using System.Collections.Immutable;

namespace Xkd.Storage;

/// <summary>
/// Holds every byte a cache committed against what was committed: manifests by their check, ledgers and shards by their SHA-256. Where a shard
/// differs, the checksums of its columns, rows and frames say which row and column.
/// </summary>
public static class CacheVerifier
{
    /// <summary>Verifies the highest complete version (or the given one), all manifests and the ledgers. Never stops at the first error.</summary>
    /// <exception cref="UsageException">No cache there, or nothing committed.</exception>
    public static VerifyReport Verify(string cache, int? version = null, CancellationToken ct = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(cache);
        using ICacheStore store = CacheStores.Open(cache);
        return Verify(store, version, ct);
    }

    internal static VerifyReport Verify(ICacheStore store, int? version = null, CancellationToken ct = default)
    {
        ManifestStore manifests = new(store);
        List<VerifyError> errors = [];
        Manifest? manifest = null;
        ImmutableArray<int> versions = manifests.Versions();
        errors.AddRange(Enumerable.Range(1, versions.FirstOrDefault()).Except(versions).Select(v =>
            new VerifyError(CacheLayout.Manifest(v), null, "manifest", "a complete manifest", "no file")));
        foreach (int candidate in versions)
        {
            Manifest? read = manifests.TryRead(candidate, out string problem);
            if (read is null)
            {
                errors.Add(new VerifyError(CacheLayout.Manifest(candidate), null, "manifest", "a complete manifest", problem));
            }
            else if (version is null ? manifest is null : candidate == version)
            {
                manifest = read;
            }
        }

        if (manifest is null)
        {
            // Absent and unknown versions are usage errors with their own words; damage is this report's business.
            return errors.Count > 0 ? new VerifyReport { Errors = errors } : new VerifyReport { Rows = Cache.Open(store, version).Manifest.Clips };
        }

        VerifyLedger(store, manifests, manifest, errors);
        foreach (ShardEntry shard in manifest.Shards)
        {
            ct.ThrowIfCancellationRequested();
            using LocalCopy file = store.Fetch(shard.Path);
            errors.AddRange(ShardVerifier.Verify(file.Path, shard, manifest.Fingerprint, ct));
        }

        return new VerifyReport { Shards = manifest.Shards.Count, Rows = manifest.Clips, Errors = errors };
    }

    private static void VerifyLedger(ICacheStore store, ManifestStore manifests, Manifest manifest, List<VerifyError> errors)
    {
        LedgerStore ledgers = new(store);
        int known = errors.Count;
        foreach (LedgerPart part in manifest.Ledger)
        {
            try
            {
                ledgers.ReadCovered(part);
            }
            catch (CorruptCacheException e)
            {
                errors.Add(new VerifyError(e.Shard, e.Row, e.Column, e.Expected, e.Got));
            }
        }

        // Read before it is asked what is newest: a merge of what came later is then never taken for damage.
        byte[]? merged = store.TryRead(CacheLayout.Ledger);
        if (errors.Count > known || manifests.Versions()[0] != manifest.Version || IsMergeOfAny(ledgers, manifests, manifest, merged))
        {
            return;
        }

        errors.Add(new VerifyError(
            CacheLayout.Ledger, null, "ledger", $"the {Lines(manifest)} lines of the parts, merged, or those of a version before; ingest --merge writes it anew",
            merged is null ? "no file" : $"{merged.Length} other bytes"));
    }

    // The merged file follows its manifest: a crash between the two leaves it one version behind, and so does a writer at work. Several writers can
    // each leave a version without it, and the slower of two its own over the newer: any version's merge is no damage.
    private static bool IsMergeOfAny(LedgerStore ledgers, ManifestStore manifests, Manifest newest, byte[]? merged)
    {
        if (merged is null)
        {
            // Whoever commits twice, or opens what others began, writes it in between.
            return newest.Version <= Math.Max(1, newest.Ledger.Count);
        }

        Dictionary<string, LedgerEntry> ledger = ledgers.Read(newest);
        if (IsMergeOf(ledger, merged))
        {
            return true;
        }

        // Only what can have as many lines as are merged is read: parts only grow, and lines about an item that has one already grow with them.
        int lines = merged.AsSpan().Count((byte)'\n');
        int repeated = Lines(newest) - ledger.Count;
        for (Manifest? version = Parent(newest); version is not null && Lines(version) >= lines; version = Parent(version))
        {
            if (Lines(version) - repeated <= lines && IsMergeOf(ledgers.Read(version), merged))
            {
                return true;
            }
        }

        return false;

        Manifest? Parent(Manifest version) => version.Parent is { } parent ? manifests.TryRead(parent, out _) : null;
    }

    private static int Lines(Manifest manifest) => manifest.Ledger.Sum(part => part.Lines);

    private static bool IsMergeOf(Dictionary<string, LedgerEntry> ledger, byte[] merged) =>
        merged.AsSpan().SequenceEqual(LedgerText.Write(ledger.Values.OrderBy(e => e.Id, StringComparer.Ordinal)));
}
