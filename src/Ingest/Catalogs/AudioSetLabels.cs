using System.Text.Json;

namespace Xkd.Ingest;

/// <summary>Names of AudioSet's labels: <c>class_labels_indices.csv</c>, and <c>ontology.json</c> for what it lacks. With neither, a label's id is its name.</summary>
internal sealed class AudioSetLabels
{
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string>.AlternateLookup<ReadOnlySpan<char>> _lookup;

    public AudioSetLabels(AnnotationFinder finder, AnnotationMistakes mistakes, CancellationToken cancellationToken)
    {
        _lookup = _names.GetAlternateLookup<ReadOnlySpan<char>>();
        if (finder.Companion("class_labels_indices.csv") is { } indices)
        {
            using var table = new CsvTable(indices, mistakes, cancellationToken);
            ReadIndices(table);
            Known = true;
        }

        if (finder.Companion("ontology.json") is { } ontology)
        {
            ReadOntology(ontology, mistakes, cancellationToken);
            Known = true;
        }
    }

    /// <summary>There are names.</summary>
    public bool Known { get; }

    /// <summary>The names of a list of ids; null, and a mistake, where one of them is not known or there is none.</summary>
    public string[]? Of(CsvRow row, string ids)
    {
        var text = ids.AsSpan();
        var names = new string[text.Count(',') + 1];
        var count = 0;
        foreach (var part in text.Split(','))
        {
            var id = text[part].Trim();
            if (id.Length == 0)
            {
                continue;
            }

            if (!_lookup.TryGetValue(id, out var name))
            {
                name = id.ToString();
                if (Known)
                {
                    row.Mistake($"label {name} is in neither class_labels_indices.csv nor ontology.json");
                    return null;
                }

                _names.Add(name, name);
            }

            names[count++] = name;
        }

        if (count == 0)
        {
            row.Mistake("it has no label");
            return null;
        }

        return count == names.Length ? names : names[..count];
    }

    private void ReadIndices(CsvTable table)
    {
        if (!table.Require("mid", "display_name"))
        {
            return;
        }

        foreach (var row in table.Rows())
        {
            var (mid, name) = (row["mid"], row["display_name"]);
            if (mid.Length == 0 || name.Length == 0)
            {
                row.Mistake("mid and display_name may not be empty");
            }
            else if (!_names.TryAdd(mid, name))
            {
                row.Mistake($"{mid} is there twice");
            }
        }
    }

    private void ReadOntology(string path, AnnotationMistakes mistakes, CancellationToken cancellationToken)
    {
        using var reader = AnnotationText.Open(path, mistakes, out var isText, cancellationToken);
        if (!isText)
        {
            return;
        }

        try
        {
            using var json = JsonDocument.Parse(reader.ReadToEnd());
            foreach (var entry in json.RootElement.EnumerateArray())
            {
                _names.TryAdd(entry.GetProperty("id").GetString()!, entry.GetProperty("name").GetString()!);
            }
        }
        catch (JsonException exception)
        {
            mistakes.Add($"{path}, line {exception.LineNumber + 1}: not JSON: {exception.Message}");
        }
        catch (Exception exception) when (exception is InvalidOperationException or KeyNotFoundException or ArgumentNullException)
        {
            mistakes.Add($"{path}: not a list of objects with an id and a name ({exception.Message})");
        }
    }
}
