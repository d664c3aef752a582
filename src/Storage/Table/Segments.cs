using System.Security.Cryptography;

namespace Xkd.Storage;

/// <summary>
/// Merges the segments of many commits into one, so that a cache of a thousand commits is opened by a few files. Thirty-two of a level become one of the next, and those of the highest stay as
/// they are: every row and every line is written three times at most, and a manifest names some ninety segments, however many commits there were.
/// </summary>
internal static class Segments
{
    /// <summary>Levels of merging.</summary>
    public const int MostMerged = 2;

    private const int Together = 32;

    /// <summary>The segments to merge next, the first of enough neighbours of one level; empty while there is nothing to do.</summary>
    public static Segment[] Due(Manifest manifest) => [.. Neighbours(manifest).FirstOrDefault(IsEnough, []).Take(Together)];

    /// <summary>Whether the last commit completed a group to merge. Where whoever was to merge it died, the commit that completes the next group does.</summary>
    public static bool IsCompleted(Manifest manifest) => Neighbours(manifest).LastOrDefault() is { } last && IsEnough(last) && last.Count % Together == 0;

    /// <summary>The manifest with merged segments in the place of those they were merged from; null when those are not there any more.</summary>
    public static Manifest? Replace(Manifest manifest, IReadOnlyList<Segment> from, Segment merged)
    {
        var first = Array.IndexOf([.. manifest.Segments], from[0]);
        if (first < 0 || !manifest.Segments.Skip(first).Take(from.Count).SequenceEqual(from))
        {
            return null;
        }

        Segment[] kept = [.. manifest.Segments.Take(first), merged, .. manifest.Segments.Skip(first + from.Count)];
        return manifest with { Segments = kept, Removals = [.. manifest.Removals.Where(r => Array.Exists(kept, s => s.Version < r.Version))] };
    }

    private static bool IsEnough(List<Segment> group) => group.Count >= Together && group[0].Level < MostMerged;

    // Only neighbours: of the lines on one item the last counts.
    private static List<List<Segment>> Neighbours(Manifest manifest)
    {
        List<List<Segment>> groups = [];
        foreach (var segment in manifest.Segments)
        {
            if (groups.Count == 0 || groups[^1][0].Level != segment.Level)
            {
                groups.Add([]);
            }

            groups[^1].Add(segment);
        }

        return groups;
    }

    /// <summary>One segment of several: the rows that are still there, the shards they lie in, and all ledger lines.</summary>
    /// <param name="store">The cache.</param>
    /// <param name="manifests">Its versions.</param>
    /// <param name="manifest">The version they are of.</param>
    /// <param name="merged">The segments, in the version's order.</param>
    /// <param name="put">Puts a file of the given folder in place.</param>
    public static async Task<Segment> MergeAsync(ICacheStore store, ManifestStore manifests, Manifest manifest, IReadOnlyList<Segment> merged, Func<string, byte[], StoredPart> put)
    {
        var shards = merged.SelectMany(manifests.Shards).ToArray();
        var places = ClipIndex.Places(shards);
        var removed = ClipIndex.Removed(store, manifest);
        var rows = ClipIndex.Sorted([.. merged.Select(s => ClipIndex.Live(s, IndexFile.ReadRows(store, s, places, manifest.Fingerprint), manifest.Removals, removed))]);
        var used = rows.Select(r => r.ShardPath).ToHashSet(StringComparer.Ordinal);
        byte[] lines = [.. merged.Select(s => s.Ledger).OfType<StoredPart>().SelectMany(l => IndexFile.Read(store, l))];
        return new Segment
        {
            Index = rows.Length > 0 ? put(CacheLayout.Indexes, await IndexFile.WriteAsync(rows, [.. shards.Where(s => used.Contains(s.Path))])) : null,
            Rows = rows.Length,
            Ledger = lines.Length > 0 ? put(CacheLayout.Ledgers, lines) : null,
            Version = manifest.Version, // a removal that another puts in the next version is still to be applied
            Level = 1 + merged.Max(s => s.Level),
        };
    }

    /// <summary>What a manifest says of bytes.</summary>
    public static StoredPart Describe(string path, byte[] bytes) => new(path, bytes.Length, Convert.ToHexStringLower(SHA256.HashData(bytes)));
}
