using System.Collections.Concurrent;
using System.Text;

namespace Xkd.Storage;

/// <summary>
/// A shard's rows without payload and where their payload lies, as one block between its last row group and its Parquet footer (Parquet readers
/// find their way from the end and never see it). Listing the clips of a cache reads this block alone: opening thousands of shards column by
/// column takes a hundred times as long. Numbers are little endian; texts are UTF-8 after a 7-bit-encoded length.
/// </summary>
internal static class RowIndex
{
    private static readonly byte[] Magic = "XKDROWS1"u8.ToArray();
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static void Write(Stream stream, IReadOnlyList<ShardRow> rows, IReadOnlyList<RowPlace> places)
    {
        using MemoryStream block = new();
        using (BinaryWriter writer = new(block, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(Magic);
            writer.Write(rows.Count);
            for (var i = 0; i < rows.Count; i++)
            {
                WriteRow(writer, rows[i], places[i]);
            }
        }

        stream.Write(block.GetBuffer().AsSpan(0, (int)block.Length));
    }

    /// <summary>The first row of a block that is not the same as these; null when all are.</summary>
    /// <param name="block">The block, or more, as <see cref="Read"/> found it good.</param>
    /// <param name="rows">As many rows, from the columns themselves.</param>
    /// <param name="places">Where their payload lies.</param>
    public static int? Difference(ReadOnlySpan<byte> block, IReadOnlyList<ShardRow> rows, IReadOnlyList<RowPlace> places)
    {
        using MemoryStream row = new();
        using BinaryWriter writer = new(row, Encoding.UTF8);
        block = block[(Magic.Length + sizeof(int))..];
        for (var i = 0; i < rows.Count; i++)
        {
            row.SetLength(0);
            WriteRow(writer, rows[i], places[i]);
            ReadOnlySpan<byte> expected = row.GetBuffer().AsSpan(0, (int)row.Length);
            if (!block.StartsWith(expected))
            {
                return i;
            }

            block = block[expected.Length..];
        }

        return null;
    }

    /// <param name="block">The block, or more: it knows its own end.</param>
    /// <param name="shard">Its shard.</param>
    /// <param name="index">Index of the shard.</param>
    /// <param name="fingerprint">How the cache was prepared.</param>
    /// <param name="texts">Labels and the like, kept once for all clips.</param>
    /// <exception cref="CorruptCacheException">A row breaks off, or says what no row of this shard can.</exception>
    public static ClipEntry[] Read(byte[] block, ShardEntry shard, int index, Fingerprint fingerprint, ConcurrentDictionary<string, string> texts)
    {
        using BinaryReader reader = new(new MemoryStream(block), Utf8);
        if (!reader.ReadBytes(Magic.Length).AsSpan().SequenceEqual(Magic))
        {
            throw new CorruptCacheException(shard.Path, null, "footer", "a row index", "none");
        }

        var row = -1;
        try
        {
            var count = reader.ReadInt32();
            if (count != shard.Rows)
            {
                throw new CorruptCacheException(shard.Path, null, "footer", $"{shard.Rows} rows", $"{count}");
            }

            var clips = new ClipEntry[count];
            for (row = 0; row < count; row++)
            {
                clips[row] = ReadRow(reader, index, row, texts);
                ClipEntryCheck.Require(clips[row], shard, fingerprint);
            }

            return clips;
        }
        catch (Exception e) when (e is IOException or FormatException or DecoderFallbackException)
        {
            throw new CorruptCacheException(shard.Path, row < 0 ? null : row, "footer", "a whole row", e.Message, e);
        }
    }

    private static void WriteRow(BinaryWriter writer, ShardRow row, RowPlace place)
    {
        writer.Write(row.Id);
        writer.Write(row.Source);
        WriteText(writer, row.Label);
        WriteTexts(writer, row.Labels);
        WriteText(writer, row.Split);
        WriteTexts(writer, row.Folds);
        writer.Write(row.Start);
        writer.Write(row.Duration);
        writer.Write(row.Fps);
        writer.Write(row.Width);
        writer.Write(row.Height);
        writer.Write(row.NumFrames);
        writer.Write(row.MelFrames);
        writer.Write(row.NumSamples);
        writer.Write(row.AudioRate);
        writer.Write(row.MelCrc);
        writer.Write(row.PcmCrc);
        writer.Write(row.FramesBytes);
        writer.Write(place.FrameCrc);
        writer.Write(place.FrameOffsets);
        writer.Write(place.Mel);
        writer.Write(place.Pcm);
        writer.Write(place.Frames);
    }

    // Initialisers run in the order they are written, which is the order of WriteRow.
    private static ClipEntry ReadRow(BinaryReader reader, int shard, int row, ConcurrentDictionary<string, string> texts) => new()
    {
        Shard = shard,
        Row = row,
        Id = reader.ReadString(),
        Source = reader.ReadString(),
        Label = ReadText(reader, texts),
        Labels = ReadTexts(reader, texts),
        Split = ReadText(reader, texts),
        Folds = ReadTexts(reader, texts),
        Start = reader.ReadDouble(),
        Duration = reader.ReadDouble(),
        Fps = reader.ReadDouble(),
        Width = reader.ReadInt32(),
        Height = reader.ReadInt32(),
        NumFrames = reader.ReadInt32(),
        MelFrames = reader.ReadInt32(),
        NumSamples = reader.ReadInt32(),
        AudioRate = reader.ReadInt32(),
        MelCrc = reader.ReadUInt32(),
        PcmCrc = reader.ReadUInt32(),
        FramesBytes = reader.ReadInt32(),
        FrameCrcOffset = reader.ReadInt64(),
        FrameOffsetsOffset = reader.ReadInt64(),
        MelOffset = reader.ReadInt64(),
        PcmOffset = reader.ReadInt64(),
        FramesOffset = reader.ReadInt64(),
    };

    private static void WriteText(BinaryWriter writer, string? text)
    {
        writer.Write(text is not null);
        if (text is not null)
        {
            writer.Write(text);
        }
    }

    private static void WriteTexts(BinaryWriter writer, IReadOnlyList<string> texts)
    {
        writer.Write7BitEncodedInt(texts.Count);
        foreach (var text in texts)
        {
            writer.Write(text);
        }
    }

    private static string? ReadText(BinaryReader reader, ConcurrentDictionary<string, string> texts)
    {
        if (!reader.ReadBoolean())
        {
            return null;
        }

        var text = reader.ReadString();
        return texts.GetOrAdd(text, text);
    }

    private static string[] ReadTexts(BinaryReader reader, ConcurrentDictionary<string, string> texts)
    {
        var count = reader.Read7BitEncodedInt();
        if (count < 0 || count > reader.BaseStream.Length - reader.BaseStream.Position)
        {
            throw new EndOfStreamException($"a list of {count} texts");
        }

        var list = count == 0 ? [] : new string[count];
        for (var i = 0; i < count; i++)
        {
            var text = reader.ReadString();
            list[i] = texts.GetOrAdd(text, text);
        }

        return list;
    }
}
