namespace Xkd.Storage;

/// <summary>Reads where every clip of a manifest lies: the small columns of every shard, nothing of the payload.</summary>
internal static class ClipIndex
{
    /// <returns>Clips sorted by id, ordinal.</returns>
    public static ClipEntry[] Read(CacheLayout layout, Manifest manifest)
    {
        ClipEntry[][] shards = new ClipEntry[manifest.Shards.Count][];
        try
        {
            Parallel.For(0, shards.Length, i => shards[i] = ReadShard(layout, manifest, i));
        }
        catch (AggregateException e) when (e.InnerExceptions.OfType<XkdException>().FirstOrDefault() is { } first)
        {
            // Of several damaged shards one is named; verify lists them all.
            throw first is CorruptCacheException c ? new CorruptCacheException(c.Shard, c.Row, c.Column, c.Expected, c.Got, e) : first;
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

    private static ClipEntry[] ReadShard(CacheLayout layout, Manifest manifest, int index)
    {
        ShardEntry shard = manifest.Shards[index];
        string path = layout.Shard(shard.Path);
        try
        {
            uint footer = FileDigest.TailCrc(path, shard.FooterOffset);
            if (footer != shard.FooterCrc)
            {
                throw new CorruptCacheException(shard.Path, null, "footer", $"crc {shard.FooterCrc:x8}", $"{footer:x8}");
            }

            using ShardFile file = ShardFile.OpenAsync(path).GetAwaiter().GetResult();
            ClipEntry[] clips = new ClipEntry[shard.Rows];
            for (int group = 0, first = 0; group < file.Groups.Count; first += file.GroupRows(group), group++)
            {
                ReadGroup(manifest, index, file, group, clips.AsSpan(first, file.GroupRows(group)), first);
            }

            return clips;
        }
        catch (Exception e) when (e is not XkdException)
        {
            // Parquet.Net meets damaged pages with whatever its parsing runs into.
            throw new CorruptCacheException(shard.Path, null, "file", "a readable shard", e.Message, e);
        }
    }

    private static void ReadGroup(Manifest manifest, int index, ShardFile file, int group, Span<ClipEntry> clips, int first)
    {
        ShardEntry shard = manifest.Shards[index];
        Fingerprint fingerprint = manifest.Fingerprint;
        bool jpeg = fingerprint.FramesCodec == FrameCodecs.Jpeg;
        ShardRow[] rows = file.ReadRowsAsync(group, all: false).GetAwaiter().GetResult();

        // The payload columns hold nothing but values and their 4-byte lengths, so counting back from the chunk's end finds each.
        long frameCrc = file.Chunk(group, ShardSchema.FrameCrc).End - rows.Sum(r => 4L + FrameCrcBytes(r));
        long frameOffsets = file.Chunk(group, ShardSchema.FrameOffsets).End - rows.Sum(r => 4L + FrameOffsetsBytes(r));
        long pcm = file.Chunk(group, ShardSchema.Pcm).End - rows.Sum(r => 4L + r.PcmBytes);
        long mel = file.Chunk(group, ShardSchema.Mel).End - rows.Sum(r => 4L + r.MelBytes(fingerprint.Mels));
        ColumnChunkSpan frames = file.Chunk(group, ShardSchema.Frames);
        for (int i = 0; i < rows.Length; i++)
        {
            ShardRow row = rows[i];
            long framesAt = shard.Offsets[first + i];
            long framesBytes = (i + 1 < rows.Length ? shard.Offsets[first + i + 1] - sizeof(int) : frames.End) - framesAt;
            Require(shard, first + i, "frames", framesAt > frames.Begin && framesBytes >= 0 && (jpeg || framesBytes == row.FramesBytes), framesBytes, row.FramesBytes);
            Require(shard, first + i, "mel", shard.MelOffsets[first + i] == mel + sizeof(int), shard.MelOffsets[first + i], mel + sizeof(int));
            clips[i] = new ClipEntry
            {
                Id = row.Id, Source = row.Source, Label = row.Label, Labels = row.Labels, Split = row.Split, Folds = row.Folds,
                Start = row.Start, Duration = row.Duration, Fps = row.Fps, Width = row.Width, Height = row.Height,
                NumFrames = row.NumFrames, MelFrames = row.MelFrames, NumSamples = row.NumSamples, AudioRate = row.AudioRate,
                Shard = index, Row = first + i, FramesOffset = framesAt, FramesBytes = framesBytes, MelOffset = shard.MelOffsets[first + i], MelCrc = row.MelCrc,
                PcmOffset = pcm + sizeof(int), PcmCrc = row.PcmCrc, FrameCrcOffset = frameCrc + sizeof(int), FrameOffsetsOffset = frameOffsets + sizeof(int),
            };
            frameCrc += sizeof(int) + FrameCrcBytes(row);
            frameOffsets += sizeof(int) + FrameOffsetsBytes(row);
            pcm += sizeof(int) + row.PcmBytes;
            mel += sizeof(int) + row.MelBytes(fingerprint.Mels);
        }

        int FrameCrcBytes(ShardRow row) => row.NumFrames * sizeof(uint);

        int FrameOffsetsBytes(ShardRow row) => jpeg && row.NumFrames > 0 ? (row.NumFrames + 1) * sizeof(uint) : 0;
    }

    private static void Require(ShardEntry shard, int row, string column, bool holds, long expected, long got)
    {
        if (!holds)
        {
            throw new CorruptCacheException(shard.Path, row, column, $"{expected} by the manifest", $"{got} by the row");
        }
    }
}
