using System.Collections.Concurrent;
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
        using var store = CacheStores.Open(cache);
        return Verify(store, version, ct);
    }

    internal static VerifyReport Verify(ICacheStore store, int? version = null, CancellationToken ct = default)
    {
        ManifestStore manifests = new(store);
        List<VerifyError> errors = [];
        Manifest? manifest = null;
        ImmutableArray<int> versions = [];
        Attempt(errors, CacheLayout.Manifests, () =>
        {
            versions = manifests.Versions();
            errors.AddRange(store.List(CacheLayout.Manifests).Where(f => CacheLayout.IsStrayManifest(f.Name)).Select(f =>
                new VerifyError(f.Name, null, "manifest", "NNNNNN.json", "another name; nothing reads it: move it elsewhere")));
        });
        errors.AddRange(versions.Zip(versions.Skip(1).Append(0)).Where(v => v.Second < v.First - 1).Select(v =>
            new VerifyError(
                CacheLayout.Manifest(v.First - 1), null, "manifest", "a complete manifest", v.Second == v.First - 2 ? "no file" : $"no file, nor of the {v.First - v.Second - 2} versions before it")));
        HashSet<int> sound = [];
        foreach (var candidate in versions)
        {
            ct.ThrowIfCancellationRequested();
            Attempt(errors, CacheLayout.Manifest(candidate), () =>
            {
                if (manifests.TryRead(candidate, out var problem) is not { } read)
                {
                    errors.Add(new VerifyError(CacheLayout.Manifest(candidate), null, "manifest", "a complete manifest", problem));
                    return;
                }

                sound.Add(candidate);
                if (version is null ? manifest is null : candidate == version)
                {
                    manifest = read;
                }
            });
        }

        if (manifest is null)
        {
            // Absent and unknown versions are usage errors with their own words; damage is this report's business.
            return errors.Count > 0 ? new VerifyReport { Errors = errors } : new VerifyReport { Rows = Cache.Open(store, version).Manifest.Clips };
        }

        VerifyLedger(store, manifests, manifest, sound, errors);
        ConcurrentDictionary<string, string> texts = new(StringComparer.Ordinal);
        List<ClipEntry> clips = [];
        for (var i = 0; i < manifest.Shards.Count; i++)
        {
            ct.ThrowIfCancellationRequested();
            var shard = manifest.Shards[i];
            Attempt(errors, shard.Path, () =>
            {
                using var file = store.Fetch(shard.Path);
                errors.AddRange(ShardVerifier.Verify(file.Path, manifest, i, texts, clips, ct));
            });
        }

        errors.AddRange(ClipIndex.Doubled(manifest, ClipIndex.Sorted(clips)).Select(Error));
        return new VerifyReport { Shards = manifest.Shards.Count, Rows = manifest.Clips, Errors = errors };
    }

    private static void VerifyLedger(ICacheStore store, ManifestStore manifests, Manifest manifest, HashSet<int> sound, List<VerifyError> errors)
    {
        LedgerStore ledgers = new(store);
        var known = errors.Count;
        foreach (var part in manifest.Ledger)
        {
            Attempt(errors, CacheLayout.Part(part.Part, part.Mark ?? ""), () => ledgers.Read(part));
        }

        // Read before it is asked what is newest: a merge of what came later is then never taken for damage.
        byte[]? merged = null;
        Attempt(errors, CacheLayout.Ledger, () => merged = store.TryRead(CacheLayout.Ledger));
        if (errors.Count > known || manifests.Versions()[0] != manifest.Version)
        {
            return;
        }

        Attempt(errors, CacheLayout.Ledger, () =>
        {
            if (!IsMergeOfAny(ledgers, manifests, manifest, sound, merged))
            {
                errors.Add(new VerifyError(
                    CacheLayout.Ledger, null, "ledger", $"the {Lines(manifest)} lines of the parts, merged, or those of a version before; ingest --merge writes it anew",
                    merged is null ? "no file" : $"{merged.Length} other bytes"));
            }
        });
    }

    // One file that is damaged, or cannot be read, never ends the report on the others.
    private static void Attempt(List<VerifyError> errors, string file, Action look)
    {
        try
        {
            look();
        }
        catch (CorruptCacheException e)
        {
            errors.Add(Error(e));
        }
        catch (UnreadableFileException e)
        {
            errors.Add(new VerifyError(e.File, null, "file", "a readable file", e.Reason));
        }
        catch (Exception e) when (e is UsageException or IOException or UnauthorizedAccessException)
        {
            errors.Add(new VerifyError(file, null, "file", "a readable file", e.Message));
        }
    }

    private static VerifyError Error(CorruptCacheException e) => new(e.Shard, e.Row, e.Column, e.Expected, e.Got);

    // The merged file follows its manifest: a crash between the two leaves it one version behind, and so does a writer at work. Several writers can
    // each leave a version without it, and the slower of two its own over the newer: any version's merge is no damage.
    private static bool IsMergeOfAny(LedgerStore ledgers, ManifestStore manifests, Manifest newest, HashSet<int> sound, byte[]? merged)
    {
        if (merged is null)
        {
            // Whoever commits twice, or opens what others began, writes it in between.
            return newest.Version <= Math.Max(1, newest.Ledger.Count);
        }

        var ledger = ledgers.Read(newest);
        if (IsMergeOf(ledger, merged))
        {
            return true;
        }

        // Only what can have as many lines as are merged is read: parts only grow, and lines about an item that has one already grow with them.
        var lines = merged.AsSpan().Count((byte)'\n');
        var repeated = Lines(newest) - ledger.Count;
        for (var version = Parent(newest); version is not null && Lines(version) >= lines; version = Parent(version))
        {
            if (Lines(version) - repeated <= lines && IsMergeOf(ledgers.Read(version), merged))
            {
                return true;
            }
        }

        return false;

        Manifest? Parent(Manifest version) => version.Parent is { } parent && sound.Contains(parent) ? manifests.TryRead(parent, out _) : null;
    }

    private static long Lines(Manifest manifest) => manifest.Ledger.Sum(part => (long)part.Lines);

    private static bool IsMergeOf(Dictionary<string, LedgerEntry> ledger, byte[] merged) =>
        merged.AsSpan().SequenceEqual(LedgerText.Write(ledger.Values.OrderBy(e => e.Id, StringComparer.Ordinal)));
}
