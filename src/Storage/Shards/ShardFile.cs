using System.Buffers.Binary;
using Parquet;
using Parquet.Meta;
using Parquet.Schema;

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
            return new ShardFile(file, await ParquetReader.CreateAsync(file, ShardSchema.Options));
        }
        catch
        {
            await file.DisposeAsync();
            throw;
        }
    }

    public int GroupRows(int group) => checked((int)_reader.RowGroups[group].RowCount);

    /// <summary>Where a column's first value (its length prefix) begins: what the values need, counted back from the chunk's end.</summary>
    public ColumnChunkSpan Chunk(int group, DataField field) => Groups[group][Index(field)];

    /// <summary>Throws unless a payload column lies in the file as plain bytes.</summary>
    public void RequirePlain(DataField field)
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

    /// <summary>The rows of a row group. <paramref name="all"/> adds <c>frame_crc</c> and <c>frame_offsets</c>, which listing clips does not need.</summary>
    public async Task<ShardRow[]> ReadRowsAsync(int group, bool all)
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
        byte[]?[] frameCrc = all ? await BlobsAsync(reader, ShardSchema.FrameCrc, rows) : [];
        byte[]?[] offsets = all ? await BlobsAsync(reader, ShardSchema.FrameOffsets, rows) : [];
        return [.. Enumerable.Range(0, rows).Select(i => new ShardRow
        {
            Id = id[i]!, Source = source[i]!, Label = label[i], Labels = labels[i], Split = split[i], Folds = folds[i],
            Start = start[i], Duration = duration[i], Fps = fps[i], Width = width[i], Height = height[i],
            NumFrames = frames[i], MelFrames = mel[i], NumSamples = samples[i], AudioRate = rate[i],
            MelCrc = melCrc[i], PcmCrc = pcmCrc[i], Crc = crc[i],
            FrameCrc = all ? frameCrc[i]! : [], FrameOffsets = all ? offsets[i]! : [],
        })];
    }

    /// <summary>Where each value of a payload column begins, found by walking the length prefixes back to back to the chunk's end.</summary>
    public long[] LocateValues(int group, DataField field, IReadOnlyList<int> lengths)
    {
        ColumnChunkSpan chunk = Chunk(group, field);
        long position = chunk.End - lengths.Sum(l => (long)sizeof(int) + l);
        long[] offsets = new long[lengths.Count];
        Span<byte> prefix = stackalloc byte[sizeof(int)];
        for (int i = 0; i < offsets.Length; i++)
        {
            int got = RandomAccess.Read(_file.SafeFileHandle, prefix, position) == prefix.Length ? BinaryPrimitives.ReadInt32LittleEndian(prefix) : -1;
            if (position < chunk.Begin || got != lengths[i])
            {
                throw new InvalidDataException($"value {i} of column {field.Name}: length {got} at byte {position}, expected {lengths[i]}");
            }

            offsets[i] = position + sizeof(int);
            position += sizeof(int) + lengths[i];
        }

        return offsets;
    }

    public void Dispose()
    {
        _reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _file.Dispose();
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
        int count = checked((int)(reader.GetMetadata(field)?.MetaData?.NumValues ?? throw new InvalidDataException($"no column {field.Path}")));
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
