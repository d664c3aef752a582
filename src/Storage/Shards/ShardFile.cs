using System.Buffers.Binary;
using Parquet.Meta;
using Parquet.Schema;
using Parquet;

namespace Xkd.Storage;

/// <summary>A shard opened for reading: its footer, where its columns lie, and its rows without their payload.</summary>
internal sealed class ShardFile : IDisposable
{
    private readonly FileStream _file;
    private readonly ParquetReader _reader;

    private ShardFile(FileStream file, ParquetReader reader)
    {
        (_file, _reader) = (file, reader);
        Groups = [.. reader.RowGroups.Select(g => (IReadOnlyList<ColumnChunkSpan>)[.. g.RowGroup.Columns.Select(Span)])];
        Rows = checked((int)reader.RowGroups.Sum(g => g.RowCount));
    }

    public int Rows { get; }

    /// <summary>Columns of each row group in file order.</summary>
    public IReadOnlyList<IReadOnlyList<ColumnChunkSpan>> Groups { get; }

    public IReadOnlyDictionary<string, string> Metadata => _reader.CustomMetadata;

    /// <summary>Opens the file and reads its footer.</summary>
    public static async Task<ShardFile> OpenAsync(string path)
    {
        FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 14);
        try
        {
            ParquetFooter.Require(file);
            return new ShardFile(file, await ParquetReader.CreateAsync(file, ShardSchema.Options));
        }
        catch
        {
            await file.DisposeAsync();
            throw;
        }
    }

    public int GroupRows(int group) => checked((int)_reader.RowGroups[group].RowCount);

    /// <summary>Throws unless all that is read in place lies in the file as plain bytes.</summary>
    /// <exception cref="InvalidDataException">A column was written otherwise.</exception>
    public void RequireAllPlain()
    {
        foreach (DataField field in new[] { ShardSchema.Frames, ShardSchema.Mel, ShardSchema.Pcm, ShardSchema.FrameCrc, ShardSchema.FrameOffsets })
        {
            RequirePlain(field);
        }
    }

    private void RequirePlain(DataField field)
    {
        foreach (ParquetRowGroupReader group in _reader.RowGroups)
        {
            ColumnMetaData data = group.RowGroup.Columns[Index(field)].MetaData!;
            if (data.Codec != CompressionCodec.UNCOMPRESSED || data.DictionaryPageOffset is > 0 || data.Encodings.Any(e => e is not (Encoding.PLAIN or Encoding.RLE)))
            {
                throw new InvalidDataException($"column {field.Name} was written as {data.Codec} {string.Join('+', data.Encodings)}, its bytes cannot be read in place");
            }
        }
    }

    /// <summary>The rows of a row group, without their payload.</summary>
    public async Task<ShardRow[]> ReadRowsAsync(int group)
    {
        ParquetRowGroupReader reader = _reader.RowGroups[group];
        int rows = GroupRows(group);
        string?[] id = await TextsAsync(reader, ShardSchema.Id, rows);
        string?[] source = await TextsAsync(reader, ShardSchema.Source, rows);
        string?[] label = await TextsAsync(reader, ShardSchema.Label, rows);
        string[][] labels = await ListsAsync(reader, ShardSchema.LabelsItem, rows);
        string?[] split = await TextsAsync(reader, ShardSchema.Split, rows);
        string[][] folds = await ListsAsync(reader, ShardSchema.FoldsItem, rows);
        double[] start = await NumbersAsync<double>(reader, ShardSchema.Start, rows);
        double[] duration = await NumbersAsync<double>(reader, ShardSchema.Duration, rows);
        double[] fps = await NumbersAsync<double>(reader, ShardSchema.Fps, rows);
        int[] width = await NumbersAsync<int>(reader, ShardSchema.Width, rows);
        int[] height = await NumbersAsync<int>(reader, ShardSchema.Height, rows);
        int[] frames = await NumbersAsync<int>(reader, ShardSchema.NumFrames, rows);
        int[] mel = await NumbersAsync<int>(reader, ShardSchema.MelFrames, rows);
        int[] samples = await NumbersAsync<int>(reader, ShardSchema.NumSamples, rows);
        int[] rate = await NumbersAsync<int>(reader, ShardSchema.AudioRate, rows);
        uint[] melCrc = await NumbersAsync<uint>(reader, ShardSchema.MelCrc, rows);
        uint[] pcmCrc = await NumbersAsync<uint>(reader, ShardSchema.PcmCrc, rows);
        uint[] crc = await NumbersAsync<uint>(reader, ShardSchema.Crc, rows);
        byte[]?[] frameCrc = await BlobsAsync(reader, ShardSchema.FrameCrc, rows);
        byte[]?[] offsets = await BlobsAsync(reader, ShardSchema.FrameOffsets, rows);
        return [.. Enumerable.Range(0, rows).Select(i => new ShardRow
        {
            Id = id[i]!, Source = source[i]!, Label = label[i], Labels = labels[i], Split = split[i], Folds = folds[i],
            Start = start[i], Duration = duration[i], Fps = fps[i], Width = width[i], Height = height[i],
            NumFrames = frames[i], MelFrames = mel[i], NumSamples = samples[i], AudioRate = rate[i],
            MelCrc = melCrc[i], PcmCrc = pcmCrc[i], Crc = crc[i],
            FrameCrc = frameCrc[i]!, FrameOffsets = offsets[i]!,
        })];
    }

    /// <summary>Where the values of a row group lie, each found with its length before it.</summary>
    /// <exception cref="InvalidDataException">A length is not where, or what, the rows say.</exception>
    public RowPlace[] Locate(int group, IReadOnlyList<ShardRow> rows, int mels)
    {
        RowPlace end = new(
            Chunk(group, ShardSchema.FrameCrc).End, Chunk(group, ShardSchema.FrameOffsets).End, Chunk(group, ShardSchema.Mel).End,
            Chunk(group, ShardSchema.Pcm).End, Chunk(group, ShardSchema.Frames).End);
        RowPlace[] places = RowPlace.Of(rows, mels, end);
        for (int i = 0; i < places.Length; i++)
        {
            RequireLength(ShardSchema.FrameCrc, places[i].FrameCrc, rows[i].FrameCrc.Length);
            RequireLength(ShardSchema.FrameOffsets, places[i].FrameOffsets, rows[i].FrameOffsets.Length);
            RequireLength(ShardSchema.Mel, places[i].Mel, rows[i].MelBytes(mels));
            RequireLength(ShardSchema.Pcm, places[i].Pcm, rows[i].PcmBytes);
            RequireLength(ShardSchema.Frames, places[i].Frames, rows[i].FramesBytes);
        }

        return places;
    }

    public void Dispose()
    {
        _reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _file.Dispose();
    }

    private ColumnChunkSpan Chunk(int group, DataField field) => Groups[group][Index(field)];

    private void RequireLength(DataField field, long offset, int expected)
    {
        Span<byte> prefix = stackalloc byte[sizeof(int)];
        int got = RandomAccess.Read(_file.SafeFileHandle, prefix, offset - sizeof(int)) == prefix.Length ? BinaryPrimitives.ReadInt32LittleEndian(prefix) : -1;
        if (got != expected)
        {
            throw new InvalidDataException($"column {field.Name}: length {got} before byte {offset}, expected {expected}");
        }
    }

    private static int Index(DataField field) => Array.FindIndex(ShardSchema.Schema.DataFields, f => ReferenceEquals(f, field));

    private static ColumnChunkSpan Span(ColumnChunk chunk) => new(chunk.MetaData!.PathInSchema[0], chunk.MetaData.DataPageOffset, chunk.MetaData.TotalCompressedSize);

    private static async ValueTask<string?[]> TextsAsync(ParquetRowGroupReader reader, DataField field, int rows)
    {
        string?[] values = new string?[rows];
        await reader.ReadAsync(field, values.AsMemory());
        return values;
    }

    private static async ValueTask<T[]> NumbersAsync<T>(ParquetRowGroupReader reader, DataField field, int rows)
        where T : struct
    {
        T[] values = new T[rows];
        await reader.ReadAsync(field, values.AsMemory());
        return values;
    }

    private static async ValueTask<byte[]?[]> BlobsAsync(ParquetRowGroupReader reader, DataField field, int rows)
    {
        byte[]?[] values = new byte[]?[rows];
        await reader.ReadAsync(field, values.AsMemory());
        return values;
    }

    private static async ValueTask<string[][]> ListsAsync(ParquetRowGroupReader reader, DataField field, int rows)
    {
        ColumnMetaData column = reader.GetMetadata(field)?.MetaData ?? throw new InvalidDataException($"no column {field.Path}");
        if (column.NumValues < 0 || column.NumValues > rows + column.TotalCompressedSize)
        {
            throw new InvalidDataException($"column {field.Path}: {column.NumValues} values in {column.TotalCompressedSize} bytes");
        }

        int count = (int)column.NumValues;
        ReadOnlyMemory<char>[] texts = new ReadOnlyMemory<char>[count];
        int[] definitions = new int[count];
        int[] repetitions = new int[count];
        await reader.ReadRawAsync<ReadOnlyMemory<char>>(field, texts, definitions, repetitions);
        List<string>[] lists = new List<string>[rows];
        for (int i = 0, row = -1, text = 0; i < count; i++)
        {
            row += repetitions[i] == 0 ? 1 : 0;
            lists[row] ??= [];
            if (definitions[i] == field.MaxDefinitionLevel)
            {
                lists[row].Add(new string(texts[text++].Span));
            }
        }

        return [.. lists.Select(l => l.ToArray())];
    }
}
