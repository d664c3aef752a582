using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;

namespace Xkd.Ingest;

/// <summary>
/// A CSV file of annotations, read once, row by row. Blanks around fields, before quotes too, and blank lines do not count. Rows that are malformed are
/// mistakes and are not given.
/// </summary>
internal sealed class CsvTable : IDisposable
{
    private readonly AnnotationMistakes _mistakes;
    private readonly StreamReader _reader;
    private readonly CsvParser _parser;
    private readonly Dictionary<string, int> _columns = new(StringComparer.OrdinalIgnoreCase);
    private readonly int? _width;
    private readonly bool _isText;
    private readonly CancellationToken _cancellationToken;
    private bool _malformed;

    /// <param name="path">The file.</param>
    /// <param name="mistakes">Takes what is wrong with it.</param>
    /// <param name="cancellationToken">Ends the reading of rows.</param>
    /// <param name="header">The first row names the columns.</param>
    /// <param name="comments">Lines that begin with '#' are none.</param>
    public CsvTable(string path, AnnotationMistakes mistakes, CancellationToken cancellationToken, bool header = true, bool comments = false)
    {
        (Path, _mistakes, _cancellationToken) = (path, mistakes, cancellationToken);
        _reader = AnnotationText.Open(path, mistakes, out _isText, cancellationToken);
        _parser = new CsvParser(_reader, new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            HasHeaderRecord = false,
            TrimOptions = TrimOptions.Trim,
            AllowComments = comments,
            BadDataFound = bad => Malformed(bad.RawRecord, bad.Field),
        });
        if (header && Read())
        {
            _width = _parser.Count;
            for (var i = 0; i < _parser.Count; i++)
            {
                _columns.TryAdd(_parser[i], i);
            }
        }
    }

    public string Path { get; }

    /// <summary>Names in the header.</summary>
    public IReadOnlyCollection<string> Columns => _columns.Keys;

    /// <summary>The first of these columns that is there; null if none is.</summary>
    public string? Any(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (_columns.ContainsKey(name))
            {
                return name;
            }
        }

        return null;
    }

    /// <summary>Whether the columns are there; those that are not are mistakes.</summary>
    public bool Require(params IReadOnlyList<string> names)
    {
        var missing = names.Where(name => !_columns.ContainsKey(name)).ToList();
        if (missing.Count > 0 && _isText)
        {
            _mistakes.Add(new Place(Path, 1), $"the header has no column {string.Join(", ", missing)}; it has {(_columns.Count == 0 ? "none" : string.Join(", ", _columns.Keys))}");
        }

        return missing.Count == 0;
    }

    /// <summary>The rows after the header; none of a file that is no text. A row is good until the next one is asked for.</summary>
    public IEnumerable<CsvRow> Rows()
    {
        while (_isText && Read())
        {
            _cancellationToken.ThrowIfCancellationRequested();
            if (_width is { } width && _parser.Count != width)
            {
                _mistakes.Add(new Place(Path, _parser.RawRow), FormattableString.Invariant($"{_parser.Count} fields where the header has {width}; quote fields that hold a comma"));
                continue;
            }

            yield return new CsvRow(this, new Place(Path, _parser.RawRow));
        }
    }

    public int Count => _parser.Count;

    public string this[int column] => _parser[column];

    /// <summary>Empty where there is no such column.</summary>
    public string this[string column] => _columns.TryGetValue(column, out var index) && index < _parser.Count ? _parser[index] : "";

    public void Mistake(Place place, string problem) => _mistakes.Add(place, problem);

    public void Dispose()
    {
        _parser.Dispose();
        _reader.Dispose();
    }

    // To the next row that is well formed and not blank.
    private bool Read()
    {
        while (true)
        {
            _malformed = false;
            if (!_parser.Read())
            {
                return false;
            }

            var blank = true;
            for (var i = 0; i < _parser.Count; i++)
            {
                blank &= _parser[i].Length == 0; // what is malformed shows only when the field is looked at
            }

            if (!blank && !_malformed)
            {
                return true;
            }
        }
    }

    private void Malformed(string record, string field)
    {
        if (!_malformed)
        {
            // A quote that is never closed takes the rest of the file with it, and the parser's line is the one after the last.
            _malformed = true;
            var open = field.AsSpan().TrimStart().StartsWith('"') && field.AsSpan().Count('"') % 2 == 1;
            var line = _parser.RawRow - record.AsSpan().Count('\n') + (!open && record.EndsWith('\n') ? 1 : 0);
            _mistakes.Add(new Place(Path, line), open ? "a quote is opened and never closed" : $"a stray quote in {field.Trim()}; quote the whole field and double the quotes within it");
        }
    }
}
