using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Xkd.Storage;

/// <summary>
/// Features as NumPy has them, <c>F.npy</c> float32 [rows, features] or [rows, tokens, features] with <c>F.ids.csv</c> (id, label, and of windows start and
/// end) beside it; or as one <c>F.csv</c> of all columns.
/// </summary>
internal sealed class FeatureTextWriter : IFeatureWriter
{
    private readonly string _path;
    private readonly string _textPath;
    private readonly FeatureLayout _layout;
    private readonly FileStream? _values;
    private readonly StreamWriter _text;
    private long _rows;

    private FeatureTextWriter(string path, string textPath, FeatureLayout layout)
    {
        (_path, _textPath, _layout) = (path, textPath, layout);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        _text = new StreamWriter(Temporary(textPath), append: false, new UTF8Encoding(false)) { NewLine = "\n" };
        IEnumerable<string> names = ["id", "label", .. layout.Timed ? ["start", "end"] : Array.Empty<string>()];
        if (path == textPath)
        {
            names = names.Concat(Enumerable.Range(0, layout.Dim).Select(d => $"f{d}"));
        }
        else
        {
            _values = new FileStream(Temporary(path), FileMode.Create, FileAccess.ReadWrite);
            _values.Write(Header(long.MaxValue)); // until the number of rows is known: of the same length
        }

        _text.WriteLine(string.Join(',', names));
    }

    /// <param name="path">Ends in <c>.npy</c> or <c>.csv</c>.</param>
    /// <param name="layout">What a row is.</param>
    /// <exception cref="FailureException">The folder cannot be written.</exception>
    public static FeatureTextWriter Create(string path, FeatureLayout layout)
    {
        try
        {
            return new FeatureTextWriter(path, Path.GetExtension(path) == ".npy" ? Path.ChangeExtension(path, ".ids.csv") : path, layout);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new FailureException($"{path} cannot be written: {e.Message}", e);
        }
    }

    public async ValueTask AppendAsync(string id, string? label, ReadOnlyMemory<float> vector, (double Start, double End) time = default)
    {
        _layout.Check(_path, id, vector.Span);
        StringBuilder line = new(Csv.Quoted(id));
        line.Append(',').Append(Csv.Quoted(label ?? ""));
        if (_layout.Timed)
        {
            line.Append(CultureInfo.InvariantCulture, $",{time.Start},{time.End}");
        }

        if (_values is not null)
        {
            _values.Write(MemoryMarshal.AsBytes(vector.Span));
        }
        else
        {
            foreach (var value in vector.Span)
            {
                line.Append(CultureInfo.InvariantCulture, $",{value}");
            }
        }

        await _text.WriteLineAsync(line);
        _rows++;
    }

    public async Task CommitAsync()
    {
        await _text.DisposeAsync();
        if (_values is not null)
        {
            _values.Position = 0;
            _values.Write(Header(_rows));
            _values.Flush(flushToDisk: true);
            await _values.DisposeAsync();
            File.Move(Temporary(_path), _path, overwrite: true);
        }

        File.Move(Temporary(_textPath), _textPath, overwrite: true);
    }

    public async ValueTask DisposeAsync()
    {
        await _text.DisposeAsync();
        if (_values is not null)
        {
            await _values.DisposeAsync();
            File.Delete(Temporary(_path));
        }

        File.Delete(Temporary(_textPath));
    }

    // 128 bytes whatever the number of rows: with one digit it is above 64.
    private byte[] Header(long rows) => NpyFile.Header(NpyFile.Float32, [rows, .. _layout.Shape.Select(n => (long)n)]);

    private static string Temporary(string path) => path + ".tmp";
}

/// <summary>Values of a CSV file.</summary>
public static class Csv
{
    /// <summary>In quotes where it must be (RFC 4180).</summary>
    public static string Quoted(string text) =>
        text.AsSpan().ContainsAny(",\"\n\r") ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
}
