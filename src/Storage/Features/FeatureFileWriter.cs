using System.Globalization;
using Parquet;

namespace Xkd.Storage;

/// <summary>
/// Writes a feature file (<c>id</c>, <c>label</c>, <c>vector</c>) row group by row group, in the memory of one. Only <see cref="CommitAsync"/> gives it its name; disposed before that, nothing
/// is left.
/// </summary>
public sealed class FeatureFileWriter : IAsyncDisposable
{
    /// <summary>Values of a row group: small enough to stream, 16 MiB of vectors.</summary>
    private const int GroupValues = 1 << 22;

    private readonly string _path;
    private readonly int _dim;
    private readonly FileStream _stream;
    private readonly ChecksumStream _summed;
    private readonly ParquetWriter _parquet;
    private readonly List<string> _ids = [];
    private readonly List<string?> _labels = [];
    private readonly List<string> _checks = [];
    private readonly float[] _vectors;
    private readonly int[] _definitions;
    private readonly int[] _repetitions;
    private bool _closed;

    private FeatureFileWriter(string path, int dim, FileStream stream, ChecksumStream summed, ParquetWriter parquet)
    {
        (_path, _dim, _stream, _summed, _parquet) = (path, dim, stream, summed, parquet);
        _vectors = new float[Math.Max(1, GroupValues / dim) * dim];
        _definitions = new int[_vectors.Length];
        _repetitions = new int[_vectors.Length];

        // An optional list of required values: definition 2 is a value, repetition 0 begins a row.
        Array.Fill(_definitions, 2);
        for (var i = 0; i < _repetitions.Length; i++)
        {
            _repetitions[i] = i % dim == 0 ? 0 : 1;
        }
    }

    private static string Temporary(string path) => path + ".tmp";

    /// <summary>Opens a file beside <paramref name="path"/>.</summary>
    /// <param name="path">The name it gets in the end.</param>
    /// <param name="dim">Numbers per vector.</param>
    /// <param name="metadata">Kept in the file's footer.</param>
    /// <exception cref="UsageException">No numbers per vector.</exception>
    /// <exception cref="FailureException">The folder cannot be written.</exception>
    public static async Task<FeatureFileWriter> CreateAsync(string path, int dim, IReadOnlyDictionary<string, string>? metadata = null)
    {
        if (dim < 1)
        {
            throw new UsageException($"{path}: vectors of {dim} numbers; at least one is needed");
        }

        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            FileStream stream = new(Temporary(path), FileMode.Create, FileAccess.ReadWrite);
            ChecksumStream summed = new(stream);
            var parquet = await ParquetWriter.CreateAsync(FeatureSchema.Schema, summed, FeatureSchema.Options);
            parquet.CustomMetadata = new Dictionary<string, string>(metadata ?? new Dictionary<string, string>(StringComparer.Ordinal), StringComparer.Ordinal);
            return new FeatureFileWriter(path, dim, stream, summed, parquet);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new FailureException($"{path} cannot be written: {e.Message}", e);
        }
    }

    /// <summary>The next row.</summary>
    /// <exception cref="UsageException">A vector of another length.</exception>
    /// <exception cref="FailureException">A number that is not finite.</exception>
    public async ValueTask AppendAsync(string id, string? label, ReadOnlyMemory<float> vector)
    {
        if (vector.Length != _dim)
        {
            throw new UsageException($"{_path}: the vector of {id} has {vector.Length} numbers, not {_dim}");
        }

        if (vector.Span.IndexOfNotFinite() is >= 0 and int at)
        {
            throw new FailureException($"{_path}: number {at + 1} of the vector of {id} is {vector.Span[at]}, which is not finite; take other weights");
        }

        vector.CopyTo(_vectors.AsMemory(_ids.Count * _dim));
        _ids.Add(id);
        _labels.Add(label);
        if (_ids.Count * _dim == _vectors.Length)
        {
            await FlushAsync();
        }
    }

    /// <summary>Completes the file, syncs it and gives it its name.</summary>
    public async Task CommitAsync()
    {
        await FlushAsync();
        _parquet.CustomMetadata = new Dictionary<string, string>(_parquet.CustomMetadata, StringComparer.Ordinal) { [FeatureSchema.CheckKey] = string.Join(' ', _checks.Append(FeatureFooter.Open)) };
        await _parquet.DisposeAsync();
        _stream.Flush();
        FeatureFooter.Seal(_stream);
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

    private async Task FlushAsync()
    {
        if (_ids.Count == 0)
        {
            return;
        }

        var values = _ids.Count * _dim;
        using var group = _parquet.CreateRowGroup();
        await group.WriteAsync(FeatureSchema.Id, _ids);
        await group.WriteAsync(FeatureSchema.Label, _labels!);
        await group.WriteAllPartsAsync<float>(FeatureSchema.Element, _vectors.AsMemory(0, values), _definitions.AsMemory(0, values), _repetitions.AsMemory(0, values), CancellationToken.None);
        group.CompleteValidate();
        _checks.Add(string.Create(CultureInfo.InvariantCulture, $"{_summed.Position}:{_summed.TakeHash():x16}"));
        _ids.Clear();
        _labels.Clear();
    }
}
