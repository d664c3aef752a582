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
        foreach (var group in _reader.RowGroups)
        {
            var data = group.RowGroup.Columns[Index(field)].MetaData!;
            if (data.Codec != CompressionCodec.UNCOMPRESSED || data.DictionaryPageOffset is > 0 || data.Encodings.Any(e => e is not (Encoding.PLAIN or Encoding.RLE)))
            {
                throw new InvalidDataException($"column {field.Name} was written as {data.Codec} {string.Join('+', data.Encodings)}, its bytes cannot be read in place");
            }
        }
    }

    /// <summary>The rows of a row group, without their payload.</summary>
    public async Task<ShardRow[]> ReadRowsAsync(int group)
    {
        var reader = _reader.RowGroups[group];
        var rows = GroupRows(group);
        var id = await TextsAsync(reader, ShardSchema.Id, rows);
        var source = await TextsAsync(reader, ShardSchema.Source, rows);
        var label = await TextsAsync(reader, ShardSchema.Label, rows);
        var labels = await ListsAsync(reader, ShardSchema.LabelsItem, rows);
        var split = await TextsAsync(reader, ShardSchema.Split, rows);
        var folds = await ListsAsync(reader, ShardSchema.FoldsItem, rows);
        var start = await NumbersAsync<double>(reader, ShardSchema.Start, rows);
        var duration = await NumbersAsync<double>(reader, ShardSchema.Duration, rows);
        var fps = await NumbersAsync<double>(reader, ShardSchema.Fps, rows);
        var width = await NumbersAsync<int>(reader, ShardSchema.Width, rows);
        var height = await NumbersAsync<int>(reader, ShardSchema.Height, rows);
        var frames = await NumbersAsync<int>(reader, ShardSchema.NumFrames, rows);
        var mel = await NumbersAsync<int>(reader, ShardSchema.MelFrames, rows);
        var samples = await NumbersAsync<int>(reader, ShardSchema.NumSamples, rows);
        var rate = await NumbersAsync<int>(reader, ShardSchema.AudioRate, rows);
        var melCrc = await NumbersAsync<uint>(reader, ShardSchema.MelCrc, rows);
        var pcmCrc = await NumbersAsync<uint>(reader, ShardSchema.PcmCrc, rows);
        var crc = await NumbersAsync<uint>(reader, ShardSchema.Crc, rows);
        var frameCrc = await BlobsAsync(reader, ShardSchema.FrameCrc, rows);
        var offsets = await BlobsAsync(reader, ShardSchema.FrameOffsets, rows);
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
        var places = RowPlace.Of(rows, mels, end);
        for (var i = 0; i < places.Length; i++)
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
        var got = RandomAccess.Read(_file.SafeFileHandle, prefix, offset - sizeof(int)) == prefix.Length ? BinaryPrimitives.ReadInt32LittleEndian(prefix) : -1;
        if (got != expected)
        {
            throw new InvalidDataException($"column {field.Name}: length {got} before byte {offset}, expected {expected}");
        }
    }

    private static int Index(DataField field) => Array.FindIndex(ShardSchema.Schema.DataFields, f => ReferenceEquals(f, field));

    private static ColumnChunkSpan Span(ColumnChunk chunk) => new(chunk.MetaData!.PathInSchema[0], chunk.MetaData.DataPageOffset, chunk.MetaData.TotalCompressedSize);

    private static async ValueTask<string?[]> TextsAsync(ParquetRowGroupReader reader, DataField field, int rows)
    {
        var values = new string?[rows];
        await reader.ReadAsync(field, values.AsMemory());
        return values;
    }

    private static async ValueTask<T[]> NumbersAsync<T>(ParquetRowGroupReader reader, DataField field, int rows)
        where T : struct
    {
        var values = new T[rows];
        await reader.ReadAsync(field, values.AsMemory());
        return values;
    }

    private static async ValueTask<byte[]?[]> BlobsAsync(ParquetRowGroupReader reader, DataField field, int rows)
    {
        var values = new byte[]?[rows];
        await reader.ReadAsync(field, values.AsMemory());
        return values;
    }

    private static async ValueTask<string[][]> ListsAsync(ParquetRowGroupReader reader, DataField field, int rows)
    {
        var column = reader.GetMetadata(field)?.MetaData ?? throw new InvalidDataException($"no column {field.Path}");
        if (column.NumValues < 0 || column.NumValues > rows + column.TotalCompressedSize)
        {
            throw new InvalidDataException($"column {field.Path}: {column.NumValues} values in {column.TotalCompressedSize} bytes");
        }

        var count = (int)column.NumValues;
        var texts = new ReadOnlyMemory<char>[count];
        var definitions = new int[count];
        var repetitions = new int[count];
        await reader.ReadRawAsync<ReadOnlyMemory<char>>(field, texts, definitions, repetitions);
        var lists = new List<string>[rows];
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
