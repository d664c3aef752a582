using System.Collections.Immutable;
using System.IO.Hashing;

namespace Xkd.Storage;

/// <summary>
/// Compares every byte of a cache with what was committed: manifests by their check, index, ledgers and shards by their SHA-256. Where a shard differs, the checksums of its rows and frames say which
/// row and column.
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
        var read = errors.Count;
        foreach (var candidate in versions)
        {
            ct.ThrowIfCancellationRequested();
            if (candidate > 0 && candidate < manifest?.Oldest)
            {
                continue; // vacuum has not come to it yet, or it is of another schema
            }

            Attempt(errors, CacheLayout.Manifest(candidate), () =>
            {
                if (manifests.TryRead(candidate, out var problem) is not { } found)
                {
                    errors.Add(new VerifyError(CacheLayout.Manifest(candidate), null, "manifest", "a complete manifest", problem));
                    return;
                }

                if (version is null ? manifest is null : candidate == version)
                {
                    manifest = found;
                }
            });
        }

        var oldest = manifest?.Oldest ?? 1;
        errors.InsertRange(read, versions.Zip(versions.Skip(1).Append(oldest - 1)).Where(v => v.Second < v.First - 1 && v.First > oldest).Select(v =>
            new VerifyError(
                CacheLayout.Manifest(v.First - 1), null, "manifest", "a complete manifest", v.Second == v.First - 2 ? "no file" : $"no file, nor of the {v.First - v.Second - 2} versions before it")));
        if (manifest is null)
        {
            // Absent and unknown versions are usage errors with their own words; damage is this report's business.
            return errors.Count > 0 ? new VerifyReport { Errors = errors } : new VerifyReport { Rows = Cache.Open(store, version).Manifest.Clips };
        }

        manifests.Each(manifest.Files, file => Attempt(errors, file.Path, () => IndexFile.Read(store, file)));
        VerifyLedger(store, manifests, manifest, errors);
        ClipEntry[] clips = [];
        Attempt(errors, CacheLayout.Indexes, () =>
        {
            manifest = manifests.WithShards(manifest);
            clips = ClipIndex.Read(store, manifest);
        });
        var rows = clips.ToLookup(c => c.Shard);
        for (var i = 0; i < manifest.Shards.Count; i++)
        {
            ct.ThrowIfCancellationRequested();
            var shard = manifest.Shards[i];
            Attempt(errors, shard.Path, () =>
            {
                using var file = store.Fetch(shard.Path);
                errors.AddRange(Verify(file.Path, shard, rows[i], manifest.Fingerprint, ct));
            });
        }

        var named = manifest.Shards.Select(s => s.Path).ToHashSet(StringComparer.Ordinal);
        var unnamed = 0;
        Attempt(errors, CacheLayout.Shards, () => unnamed = store.List(CacheLayout.Shards).Count(f => CacheLayout.Parse(f.Name) is not null && !named.Contains(f.Name)));
        return new VerifyReport
        {
            Shards = manifest.Shards.Count, Rows = manifest.Clips, RemovedRows = clips.Length > 0 || manifest.Clips == 0 ? manifest.Shards.Sum(s => (long)s.Rows) - clips.Length : 0, OtherShards = unnamed,
            Errors = [.. errors.Distinct()],
        };
    }

    // The SHA-256 says whether a shard is as committed; the rows' own checksums say where it is not, and hold for what was signed as it is.
    private static List<VerifyError> Verify(string path, ShardEntry shard, IEnumerable<ClipEntry> rows, Fingerprint fingerprint, CancellationToken ct)
    {
        if (!File.Exists(path))
        {
            return [new VerifyError(shard.Path, null, "file", $"{shard.Bytes} bytes", "no file")];
        }

        var digest = FileDigest.Of(path, ct);
        List<VerifyError> errors = digest.Bytes == shard.Bytes ? [] : [new VerifyError(shard.Path, null, "file", $"{shard.Bytes} bytes", $"{digest.Bytes} bytes")];
        using var file = File.OpenHandle(path);
        errors.AddRange(ShardCheck.Damaged(file, rows.OrderBy(r => r.Row), fingerprint, ct).Select(d => new VerifyError(shard.Path, d.Row, d.Column, d.Expected, d.Got)));
        return errors.Count > 0 || digest.Sha256 == shard.Sha256 ? errors : [new VerifyError(shard.Path, null, "file", $"sha256 {shard.Sha256}", digest.Sha256)];
    }

    // ledger.jsonl follows its manifest: it may be of an earlier version, or not there yet. But each line of it was committed, and no item has two.
    private static void VerifyLedger(ICacheStore store, ManifestStore manifests, Manifest manifest, List<VerifyError> errors) => Attempt(errors, CacheLayout.Ledger, () =>
    {
        // Read before it is asked what is newest: a merge of what came later is then never taken for damage.
        var merged = store.TryRead(CacheLayout.Ledger);
        if (manifests.Versions()[0] != manifest.Version)
        {
            return;
        }

        HashSet<ulong> committed = [], seen = [];
        Attempt(errors, CacheLayout.Ledgers, () => committed.UnionWith(manifest.Segments.Select(s => s.Ledger).OfType<StoredPart>().SelectMany(file => Lines(IndexFile.Read(store, file)))));
        if (merged is null)
        {
            // Whoever commits twice, or opens what others began, writes a small one in between.
            if (manifest.Version > Math.Max(1, manifest.Parts.Count) && committed.Count <= CacheWriter.SmallLedger)
            {
                errors.Add(new VerifyError(CacheLayout.Ledger, null, "ledger", "a merged ledger; ingest --merge writes it", "no file"));
            }
        }
        else if (errors.Count == 0 && !(merged.Length > 0 && merged[^1] == '\n' && Lines(merged).All(line => committed.Contains(line) && seen.Add(line))))
        {
            errors.Add(new VerifyError(CacheLayout.Ledger, null, "ledger", "lines of the committed ledgers, each once; ingest --merge writes it anew", "others"));
        }
    });

    private static IEnumerable<ulong> Lines(byte[] text)
    {
        for (int begin = 0, end; begin < text.Length; begin = end + 1)
        {
            end = Array.IndexOf(text, (byte)'\n', begin) is >= 0 and var at ? at : text.Length;
            yield return XxHash3.HashToUInt64(text.AsSpan(begin, end - begin));
        }
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
}
