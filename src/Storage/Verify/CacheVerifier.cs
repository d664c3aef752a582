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

        if (errors.Count > known || manifests.Versions()[0] != manifest.Version)
        {
            return;
        }

        // The merged file follows its manifest; a crash between the two leaves it one version behind, which is no damage.
        Manifest? parent = manifest.Parent is { } p ? manifests.TryRead(p, out _) : null;
        byte[]? merged = store.TryRead(CacheLayout.Ledger);
        byte[]? before = parent is null ? null : Merged(ledgers, parent);
        if (!Same(merged, Merged(ledgers, manifest)) && !Same(merged, before))
        {
            errors.Add(new VerifyError("ledger.jsonl", null, "ledger", $"the {manifest.Ledger.Sum(l => l.Lines)} lines of the parts, merged", merged is null ? "no file" : $"{merged.Length} other bytes"));
        }
    }

    private static bool Same(byte[]? left, byte[]? right) => left is null ? right is null : right is not null && left.AsSpan().SequenceEqual(right);

    private static byte[] Merged(LedgerStore ledgers, Manifest manifest) =>
        LedgerText.Write(ledgers.Read(manifest).Values.OrderBy(e => e.Id, StringComparer.Ordinal));
}
