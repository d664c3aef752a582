using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace Xkd.Storage;

/// <summary>Reads where every clip of a manifest lies: each shard's row index, nothing of the payload.</summary>
internal static class ClipIndex
{
    /// <returns>Clips sorted by id, ordinal.</returns>
    public static ClipEntry[] Read(ICacheStore store, Manifest manifest)
    {
        var shards = new ClipEntry[manifest.Shards.Count][];
        ConcurrentDictionary<string, string> texts = new(StringComparer.Ordinal);
        try
        {
            Parallel.For(0, shards.Length, new ParallelOptions { MaxDegreeOfParallelism = store.Parallelism }, i => shards[i] = ReadShard(store, manifest, i, texts));
        }
        catch (AggregateException e) when (e.InnerExceptions.OfType<XkdException>().FirstOrDefault() is { } first)
        {
            // Of several damaged shards one is named; verify lists them all.
            ExceptionDispatchInfo.Throw(first);
        }

        var clips = Sorted(shards.SelectMany(s => s));
        return Doubled(manifest, clips).FirstOrDefault() is { } doubled ? throw doubled : clips;
    }

    /// <summary>Clips by id, ordinal.</summary>
    public static ClipEntry[] Sorted(IEnumerable<ClipEntry> unsorted)
    {
        ClipEntry[] clips = [.. unsorted];
        Array.Sort(clips.Select(c => c.Id).ToArray(), clips, StringComparer.Ordinal);
        return clips;
    }

    /// <summary>Of sorted clips each that has the id of the one before it.</summary>
    public static IEnumerable<CorruptCacheException> Doubled(Manifest manifest, ClipEntry[] clips)
    {
        for (var i = 1; i < clips.Length; i++)
        {
            if (clips[i].Id == clips[i - 1].Id)
            {
                yield return new CorruptCacheException(
                    manifest.Shards[clips[i].Shard].Path, clips[i].Row, "id", "each id once", $"{clips[i].Id} also in {manifest.Shards[clips[i - 1].Shard].Path}, row {clips[i - 1].Row}");
            }
        }
    }

    /// <summary>The rows of one shard in row order.</summary>
    /// <exception cref="CorruptCacheException">The index or the footer after it is damaged, or disagrees with the manifest.</exception>
    private static ClipEntry[] ReadShard(ICacheStore store, Manifest manifest, int index, ConcurrentDictionary<string, string> texts)
    {
        var shard = manifest.Shards[index];
        try
        {
            return Parse(store.ReadTail(shard.Path, shard.FooterOffset, shard.Bytes - shard.FooterOffset), manifest, index, texts);
        }
        catch (IOException e)
        {
            throw new CorruptCacheException(shard.Path, null, "file", "a readable shard", e.Message, e);
        }
    }

    /// <summary>The rows of one shard in row order.</summary>
    /// <param name="tail">Its bytes from <see cref="ShardEntry.FooterOffset"/> on.</param>
    /// <param name="manifest">The version.</param>
    /// <param name="index">Which of its shards.</param>
    /// <param name="texts">Labels and the like, kept once for all clips.</param>
    /// <exception cref="CorruptCacheException">The index or the footer after it is damaged, disagrees with the manifest, or says what cannot be.</exception>
    public static ClipEntry[] Parse(byte[] tail, Manifest manifest, int index, ConcurrentDictionary<string, string> texts)
    {
        var shard = manifest.Shards[index];
        var crc = Crc32C.Compute(tail);
        if (crc != shard.FooterCrc)
        {
            throw new CorruptCacheException(shard.Path, null, "footer", $"crc {shard.FooterCrc:x8}", $"{crc:x8}");
        }

        var clips = RowIndex.Read(tail, shard, index, manifest.Fingerprint, texts);
        foreach (var clip in clips)
        {
            RequireSame(clip, "frames", clip.FramesOffset, shard.Offsets[clip.Row]);
            RequireSame(clip, "mel", clip.MelOffset, shard.MelOffsets[clip.Row]);
        }

        var ids = ShardSeal.IdsHash(clips.Select(c => c.Id));
        return ids == shard.IdsSha256 ? clips : throw new CorruptCacheException(shard.Path, null, "id", $"sha256 {shard.IdsSha256}", ids);

        void RequireSame(ClipEntry clip, string column, long offset, long listed)
        {
            if (offset != listed)
            {
                throw new CorruptCacheException(shard.Path, clip.Row, column, $"offset {listed}, as in the manifest", $"{offset}");
            }
        }
    }
}
