using System.Globalization;
using Parquet;

namespace Xkd.Storage;

/// <summary>
/// Writes a feature file (<c>id</c>, <c>label</c>, <c>vector</c>) row group by row group, in the memory of one. Only <see cref="CommitAsync"/> gives it its name; disposed before that, nothing
/// is left.
/// </summary>
public sealed class FeatureFileWriter : IFeatureWriter
{
    /// <summary>Values of a row group: small enough to stream, 16 MiB of vectors.</summary>
    private const int GroupValues = 1 << 22;

    private readonly string _path;
    private readonly FeatureLayout _layout;
    private readonly FileStream _stream;
    private readonly ChecksumStream _summed;
    private readonly ParquetWriter _parquet;
    private readonly List<string> _ids = [];
    private readonly List<string?> _labels = [];
    private readonly List<(double Start, double End)> _times = [];
    private readonly List<string> _checks = [];
    private readonly float[] _vectors;
    private readonly int[] _definitions;
    private readonly int[] _repetitions;
    private bool _closed;

    private FeatureFileWriter(string path, FeatureLayout layout, FileStream stream, ChecksumStream summed, ParquetWriter parquet)
    {
        (_path, _layout, _stream, _summed, _parquet) = (path, layout, stream, summed, parquet);
        var dim = layout.Dim;
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
    /// <param name="timed">Rows are windows with their times.</param>
    /// <exception cref="UsageException">No numbers per vector.</exception>
    /// <exception cref="FailureException">The folder cannot be written.</exception>
    public static async Task<FeatureFileWriter> CreateAsync(string path, int dim, IReadOnlyDictionary<string, string>? metadata = null, bool timed = false)
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
            var parquet = await ParquetWriter.CreateAsync(timed ? FeatureSchema.Timed : FeatureSchema.Schema, summed, FeatureSchema.Options);
            parquet.CustomMetadata = new Dictionary<string, string>(metadata ?? new Dictionary<string, string>(StringComparer.Ordinal), StringComparer.Ordinal);
            return new FeatureFileWriter(path, new FeatureLayout([dim], timed, parquet.CustomMetadata), stream, summed, parquet);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new FailureException($"{path} cannot be written: {e.Message}", e);
        }
    }

    public async ValueTask AppendAsync(string id, string? label, ReadOnlyMemory<float> vector, (double Start, double End) time = default)
    {
        _layout.Check(_path, id, vector.Span);
        vector.CopyTo(_vectors.AsMemory(_ids.Count * _layout.Dim));
        _ids.Add(id);
        _labels.Add(label);
        _times.Add(time);
        if (_ids.Count * _layout.Dim == _vectors.Length)
        {
            await FlushAsync();
        }
    }

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

        var values = _ids.Count * _layout.Dim;
        using var group = _parquet.CreateRowGroup();
        await group.WriteAsync(FeatureSchema.Id, _ids);
        await group.WriteAsync(FeatureSchema.Label, _labels!);
        if (_layout.Timed)
        {
            await group.WriteAsync<double>(FeatureSchema.Start, _times.Select(t => t.Start).ToArray().AsMemory());
            await group.WriteAsync<double>(FeatureSchema.End, _times.Select(t => t.End).ToArray().AsMemory());
        }

        await group.WriteAllPartsAsync<float>(FeatureSchema.Element, _vectors.AsMemory(0, values), _definitions.AsMemory(0, values), _repetitions.AsMemory(0, values), CancellationToken.None);
        group.CompleteValidate();
        _checks.Add(string.Create(CultureInfo.InvariantCulture, $"{_summed.Position}:{_summed.TakeHash():x16}"));
        _ids.Clear();
        _labels.Clear();
        _times.Clear();
    }
}
