using System.Text.Json;
using Parquet;

namespace Xkd.Storage;

/// <summary>
/// Writes predictions as Parquet, row group by row group: the columns are those of <see cref="PredictionRow"/>, the class names lie in the footer as JSON under
/// <see cref="ClassesKey"/>. Only <see cref="CommitAsync"/> gives the file its name; disposed before that, nothing is left.
/// </summary>
public sealed class PredictionFileWriter : IAsyncDisposable
{
    /// <summary>Key of the class names in the footer's metadata.</summary>
    public const string ClassesKey = "xkd.classes";

    private const int GroupValues = 1 << 22;
    private readonly string _path;
    private readonly int _classes;
    private readonly FileStream _stream;
    private readonly ParquetWriter _parquet;
    private readonly List<PredictionRow> _rows = [];
    private bool _closed;

    private PredictionFileWriter(string path, int classes, FileStream stream, ParquetWriter parquet) =>
        (_path, _classes, _stream, _parquet) = (path, classes, stream, parquet);

    /// <summary>Opens a file beside <paramref name="path"/>.</summary>
    /// <param name="path">The name it gets in the end.</param>
    /// <param name="classes">Names of the classes that are scored.</param>
    /// <exception cref="FailureException">The folder cannot be written.</exception>
    public static async Task<PredictionFileWriter> CreateAsync(string path, IReadOnlyList<string> classes)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            FileStream stream = new(Temporary(path), FileMode.Create, FileAccess.ReadWrite);
            ParquetOptions options = new() { CompressionMethod = CompressionMethod.Snappy };
            var parquet = await ParquetWriter.CreateAsync(RowTable<PredictionRow>.Schema, stream, options);
            var names = JsonSerializer.Serialize(classes, StorageJson.Options);
            parquet.CustomMetadata = new Dictionary<string, string>(StringComparer.Ordinal) { [ClassesKey] = names };
            return new PredictionFileWriter(path, classes.Count, stream, parquet);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new FailureException($"{path} cannot be written: {e.Message}", e);
        }
    }

    /// <summary>The next row.</summary>
    /// <exception cref="ArgumentException">It has another number of scores than there are classes.</exception>
    public async ValueTask AppendAsync(PredictionRow row)
    {
        if (row.Scores.Count != _classes)
        {
            throw new ArgumentException($"{row.Id} has {row.Scores.Count} scores for {_classes} classes", nameof(row));
        }

        _rows.Add(row);
        if ((long)_rows.Count * _classes >= GroupValues)
        {
            await FlushAsync();
        }
    }

    /// <summary>Completes the file, syncs it and gives it its name.</summary>
    public async Task CommitAsync()
    {
        await FlushAsync();
        await _parquet.DisposeAsync();
        _stream.Flush(flushToDisk: true);
        await _stream.DisposeAsync();
        _closed = true;
        File.Move(Temporary(_path), _path, overwrite: true);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_closed)
        {
            _closed = true;
            await _parquet.DisposeAsync();
            await _stream.DisposeAsync();
            File.Delete(Temporary(_path));
        }
    }

    private static string Temporary(string path) => path + ".tmp";

    private async Task FlushAsync()
    {
        if (_rows.Count > 0)
        {
            await RowTable<PredictionRow>.WriteGroupAsync(_parquet, [.. _rows]);
            _rows.Clear();
        }
    }
}
