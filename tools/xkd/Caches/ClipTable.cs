using System.Globalization;
using System.Text.Json;
using Xkd.Cli.Hosting;
using Xkd.Storage;

namespace Xkd.Cli.Caches;

/// <summary>Clips as <c>cache ls</c> shows them: a table of the first few for a person, all as JSON for a program.</summary>
/// <param name="cache">The cache.</param>
/// <param name="filter">Which clips.</param>
internal sealed class ClipTable(Cache cache, ClipFilter filter)
{
    private const int WidestCell = 60;
    private readonly IReadOnlyList<ClipEntry> _clips = cache.Query(filter, ClipFields.OfIndex);

    /// <summary>The table's lines. Only what is shown is formatted: a cache may have millions of clips.</summary>
    /// <param name="most">Clips to show.</param>
    public IEnumerable<string> Lines(int most)
    {
        ClipFields fields = new(_clips);
        string[] added = [.. fields.Added];
        string[] head = ["id", "label", "split", "start", "duration", "size", "frames", .. added];
        string[][] rows = [head, .. _clips.Take(most).Select(clip => Cells(clip, added))];
        var widths = Enumerable.Range(0, head.Length).Select(column => rows.Max(row => row[column].Length)).ToArray();
        foreach (var row in rows)
        {
            yield return string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd();
        }

        var all = _clips.Count < cache.Manifest.Clips ? $" (the cache has {cache.Manifest.Clips})" : "";
        yield return _clips.Count <= most
            ? $"{_clips.Count} of {cache.Manifest.Clips} clips"
            : $"the first {most} of {_clips.Count} clips{all}: --all or --limit N shows more, --where fewer";
    }

    /// <summary>Writes one JSON object, clip by clip.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="most">Clips to write.</param>
    public void WriteJson(Stream output, int most)
    {
        ClipFields fields = new(_clips);
        using Utf8JsonWriter json = new(output);
        json.WriteStartObject();
        json.WriteNumber("schema", 1);
        json.WriteNumber("version", cache.Manifest.Version);
        json.WriteNumber("clips", cache.Manifest.Clips);
        json.WriteNumber("selected", _clips.Count);
        json.WriteStartArray("columns");
        foreach (var name in fields.Names)
        {
            json.WriteStringValue(name);
        }

        json.WriteEndArray();
        json.WriteStartArray("rows");
        foreach (var clip in _clips.Take(most))
        {
            fields.Write(json, clip);
            if (json.BytesPending > 1 << 16)
            {
                json.Flush();
            }
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        output.WriteByte((byte)'\n');
    }

    private static string[] Cells(ClipEntry clip, string[] added) =>
    [
        Spelled(clip.Id), Cell(clip.Label ?? string.Join(", ", clip.Labels)), Cell(clip.Split), Seconds(clip.Start), Seconds(clip.Duration),
        clip.NumFrames > 0 ? $"{clip.Width}×{clip.Height}" : "", Cell(clip.NumFrames), .. added.Select(name => Cell(clip.Added[name])),
    ];

    private static string Seconds(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    // Ids are whole, to be copied; of other texts the beginning tells enough.
    private static string Cell(object? value)
    {
        var text = Spelled(value is IReadOnlyList<string> texts ? string.Join(", ", texts) : Convert.ToString(value, CultureInfo.InvariantCulture) ?? "");
        return text.Length <= WidestCell ? text : text[..(WidestCell - 1)] + "…";
    }

    // Before it is measured: what is spelled is longer.
    private static string Spelled(string text) =>
        PrintableText.Of(text).Replace("\n", "\\n", StringComparison.Ordinal).Replace("\t", "\\t", StringComparison.Ordinal);
}
