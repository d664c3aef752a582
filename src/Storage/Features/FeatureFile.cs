using System.Globalization;
using System.IO.Hashing;
using System.Runtime.CompilerServices;
using Parquet;
using Parquet.Meta;
using Parquet.Schema;

namespace Xkd.Storage;

/// <summary>A feature file for reading, one row group in memory at a time. Files of other writers are read as long as they have the three columns.</summary>
public sealed class FeatureFile : IAsyncDisposable
{
    // Values and both levels of one row group; beyond it a file does not stream any more.
    private const long MostGroupBytes = 768L << 20;

    private readonly FileStream _stream;
    private readonly ParquetReader _reader;
    private readonly DataField _id;
    private readonly DataField? _label;
    private readonly DataField _vector;
    private readonly string[]? _checks;
    private long _verified;

    private FeatureFile(string path, FileStream stream, ParquetReader reader)
    {
        (Path, _stream, _reader) = (path, stream, reader);
        _id = Field("id") ?? throw new UsageException($"{path} has no column id; a feature file has id, label and vector");
        _label = Field("label");
        _vector = Field(FeatureSchema.VectorName) ?? throw new UsageException($"{path} has no column vector; a feature file has id, label and vector");
        Rows = reader.RowGroups.Sum(g => g.RowCount);
        var values = reader.RowGroups.Sum(g => Values(g.RowGroup));
        if (Rows == 0 || values % Rows != 0 || values == 0)
        {
            throw new UsageException($"{path}: {values} values in {Rows} vectors; every vector must have the same length, and there must be one");
        }

        Dim = checked((int)(values / Rows));
        var odd = reader.RowGroups.ToList().FindIndex(g => g.RowCount < 0 || Values(g.RowGroup) != g.RowCount * Dim);
        if (odd >= 0)
        {
            throw new FailureException($"{path}: row group {odd} says {reader.RowGroups[odd].RowCount} rows and {Values(reader.RowGroups[odd].RowGroup)} values, not {Dim} a row; the file is damaged, or its vectors differ in length");
        }

        _checks = Metadata.TryGetValue(FeatureSchema.CheckKey, out var checks) ? checks.Split(' ') : null;
        var largest = reader.RowGroups.Max(g => Values(g.RowGroup)) * (sizeof(float) + (2 * sizeof(int)));
        if (largest > MostGroupBytes)
        {
            throw new UsageException($"{path}: a row group of it takes {largest >> 20} MiB to read; write it with at most {MostGroupBytes / (12 * Dim)} rows a row group");
        }

        DataField? Field(string name) => Array.Find(reader.Schema.DataFields, f => f.Path.FirstPart == name);
    }

    public string Path { get; }

    public long Rows { get; }

    /// <summary>Numbers per vector.</summary>
    public int Dim { get; }

    public IReadOnlyDictionary<string, string> Metadata => _reader.CustomMetadata;

    /// <summary>Opens a file and reads its footer.</summary>
    /// <exception cref="UsageException">It has not the columns of a feature file.</exception>
    /// <exception cref="FailureException">The file is absent, or no Parquet file.</exception>
    public static async Task<FeatureFile> OpenAsync(string path)
    {
        FileStream? stream = null;
        try
        {
            stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
            FeatureFooter.Verify(path, stream);
            return new FeatureFile(path, stream, await ParquetReader.CreateAsync(stream, FeatureSchema.Options));
        }
        catch (Exception e)
        {
            stream?.Dispose();
            throw e switch
            {
                XkdException => e,
                FileNotFoundException or DirectoryNotFoundException => new UsageException($"{path} does not exist: name a feature file, as xkd features writes", e),
                _ => new FailureException($"{path} cannot be read as a Parquet file: {e.Message}", e),
            };
        }
    }

    /// <summary>All rows in the file's order.</summary>
    /// <exception cref="FailureException">The file is damaged, or a vector has another length.</exception>
    /// <exception cref="UsageException">A number is not finite.</exception>
    public async IAsyncEnumerable<FeatureBlock> ReadAsync([EnumeratorCancellation] CancellationToken stop = default)
    {
        var most = checked((int)_reader.RowGroups.Max(g => Values(g.RowGroup)));
        var values = new float[most];
        int[] definitions = new int[most], repetitions = new int[most];
        for (var g = 0; g < _reader.RowGroupCount; g++)
        {
            stop.ThrowIfCancellationRequested();
            yield return await GroupAsync(g, values, definitions, repetitions);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _reader.DisposeAsync();
        await _stream.DisposeAsync();
    }

    // Before anything is decoded: what a damaged page is taken for, and for how long, is nobody's to say.
    private void Verify(int g)
    {
        if (_checks is null)
        {
            return;
        }

        (long end, string hash)? said = g < _checks.Length && _checks[g].Split(':') is [var at, var sum] && long.TryParse(at, NumberStyles.None, CultureInfo.InvariantCulture, out var to) ? (to, sum) : null;
        var position = g == 0 ? 0 : _verified;
        XxHash3 hash = new();
        var block = new byte[1 << 20];
        for (var read = 1; said is not null && position < said.Value.end && read > 0; position += read)
        {
            read = RandomAccess.Read(_stream.SafeFileHandle, block.AsSpan(0, (int)Math.Min(block.Length, said.Value.end - position)), position);
            hash.Append(block.AsSpan(0, read));
        }

        _verified = position;
        var got = hash.GetCurrentHashAsUInt64().ToString("x16", CultureInfo.InvariantCulture);
        if (said?.hash != got)
        {
            throw new FailureException($"{Path}, row group {g} is damaged: its XXH3 is {got}, {said?.hash ?? "another"} was written; extract the features again");
        }
    }

    private async Task<FeatureBlock> GroupAsync(int g, float[] values, int[] definitions, int[] repetitions)
    {
        Verify(g);
        using var group = _reader.OpenRowGroupReader(g);
        int rows = checked((int)group.RowCount), count = checked((int)Values(_reader.RowGroups[g].RowGroup));
        string?[] ids = new string?[rows], labels = new string?[rows];
        try
        {
            await group.ReadAsync(_id, ids.AsMemory());
            if (_label is not null)
            {
                await group.ReadAsync(_label, labels.AsMemory());
            }

            await group.ReadRawAsync<float>(_vector, values.AsMemory(0, count), definitions.AsMemory(0, count), repetitions.AsMemory(0, count));
        }
        catch (Exception e) when (e is not XkdException)
        {
            throw new FailureException($"{Path}, row group {g} cannot be read: {e.Message}", e);
        }

        var row = -1;
        for (var i = 0; i < count; i++)
        {
            row += repetitions[i] == 0 ? 1 : 0;
            if (row != i / Dim || definitions[i] != _vector.MaxDefinitionLevel)
            {
                throw new FailureException($"{Path}, row group {g}: the vector of {ids[Math.Clamp(row, 0, rows - 1)]} has not {Dim} numbers");
            }
        }

        ReadOnlyMemory<float> vectors = values.AsMemory(0, rows * Dim);
        if (vectors.Span.IndexOfNotFinite() is >= 0 and int at)
        {
            throw new UsageException($"{Path}: {ids[at / Dim]} has a feature that is not finite; check the weights they were taken with");
        }

        return new FeatureBlock(ids!, labels, vectors);
    }

    private static long Values(RowGroup group) => group.Columns.First(c => c.MetaData!.PathInSchema[0] == FeatureSchema.VectorName).MetaData!.NumValues;
}
