using System.Collections.Concurrent;

namespace Xkd.Storage;

/// <summary>Reads where every clip of a manifest lies: each shard's row index, nothing of the payload.</summary>
internal static class ClipIndex
{
    /// <returns>Clips sorted by id, ordinal.</returns>
    public static ClipEntry[] Read(ICacheStore store, Manifest manifest)
    {
        ClipEntry[][] shards = new ClipEntry[manifest.Shards.Count][];
        ConcurrentDictionary<string, string> texts = new(StringComparer.Ordinal);
        try
        {
            Parallel.For(0, shards.Length, new ParallelOptions { MaxDegreeOfParallelism = store.Parallelism }, i => shards[i] = ReadShard(store, manifest.Shards[i], i, texts));
        }
        catch (AggregateException e) when (e.InnerExceptions.OfType<CorruptCacheException>().FirstOrDefault() is { } first)
        {
            // Of several damaged shards one is named; verify lists them all.
            throw new CorruptCacheException(first.Shard, first.Row, first.Column, first.Expected, first.Got, e);
        }

        ClipEntry[] clips = [.. shards.SelectMany(s => s)];
        string[] ids = [.. clips.Select(c => c.Id)];
        Array.Sort(ids, clips, StringComparer.Ordinal);
        for (int i = 1; i < ids.Length; i++)
        {
            if (ids[i] == ids[i - 1])
            {
                throw new CorruptCacheException(manifest.Shards[clips[i].Shard].Path, clips[i].Row, "id", "each id once", $"{ids[i]} also in {manifest.Shards[clips[i - 1].Shard].Path}, row {clips[i - 1].Row}");
            }
        }

        return clips;
    }

    /// <summary>The rows of one shard in row order.</summary>
    /// <exception cref="CorruptCacheException">The index or the footer after it is damaged, or disagrees with the manifest.</exception>
    public static ClipEntry[] ReadShard(ICacheStore store, ShardEntry shard, int index, ConcurrentDictionary<string, string> texts)
    {
        ClipEntry[] clips;
        try
        {
            byte[] tail = store.ReadTail(shard.Path, shard.FooterOffset, shard.Bytes - shard.FooterOffset);
            uint crc = Crc32C.Compute(tail);
            if (crc != shard.FooterCrc)
            {
                throw new CorruptCacheException(shard.Path, null, "footer", $"crc {shard.FooterCrc:x8}", $"{crc:x8}");
            }

            clips = RowIndex.Read(tail, index, texts);
        }
        catch (IOException e)
        {
            throw new CorruptCacheException(shard.Path, null, "file", "a readable shard", e.Message, e);
        }

        if (!clips.Select(c => c.FramesOffset).SequenceEqual(shard.Offsets) || !clips.Select(c => c.MelOffset).SequenceEqual(shard.MelOffsets))
        {
            throw new CorruptCacheException(shard.Path, null, "footer", "the manifest's offsets", "others");
        }

        return clips;
    }
}
