using System.Globalization;
using System.Net;
using System.Text;

namespace Xkd.Pipeline;

/// <summary>
/// One self-contained HTML page: verdicts, headings, tables that sort, charts, pictures, players. It asks nothing of a network, and
/// forbids itself to.
/// </summary>
public sealed class HtmlReport(string title)
{
    private readonly StringBuilder _verdicts = new();
    private readonly StringBuilder _body = new();
    private bool _hasCharts;

    /// <summary>What the reader should know first. Verdicts stand above all else, in the order in which they come.</summary>
    public HtmlReport Verdict(string sentence, VerdictLevel level)
    {
        _verdicts.Append(CultureInfo.InvariantCulture, $"<div class=\"verdict {Name(level)}\">{Encode(sentence)}</div>\n");
        return this;
    }

    public HtmlReport Heading(string text) => Append($"<h2>{Encode(text)}</h2>\n");

    public HtmlReport Paragraph(string text) => Append($"<p>{Encode(text)}</p>\n");

    /// <summary>A table that sorts by a click on a column's name; a column of nothing but numbers, a few without one, is set flush right.</summary>
    public HtmlReport Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        IReadOnlyList<string>[] all = [.. rows];
        bool[] numbers = [.. columns.Select((_, c) => all.Any(row => IsNumber(row[c])) && all.All(row => row[c] is "" or "–" || IsNumber(row[c])))];
        _body.Append("<div class=scroll><table class=sortable><thead>");
        Row("th", columns);
        _body.Append("</thead><tbody>\n");
        foreach (var row in all)
        {
            Row("td", row);
        }

        return Append("</tbody></table></div>\n");

        void Row(string tag, IReadOnlyList<string> cells) =>
            _body.Append("<tr>").AppendJoin("", cells.Select((cell, c) => $"<{tag}{(numbers[c] ? " class=n" : "")}>{Encode(cell)}</{tag}>")).Append("</tr>\n");
    }

    /// <summary>A confusion matrix: rows are true classes, columns predicted ones, the shade is the share of the row.</summary>
    public HtmlReport Confusion(IReadOnlyList<int[]> counts, IReadOnlyList<string> classes)
    {
        _body.Append("<div class=scroll><table class=confusion><thead><tr><th>true ↓ predicted →</th>");
        foreach (var name in classes)
        {
            _body.Append("<th>").Append(Encode(name)).Append("</th>");
        }

        _body.Append("</tr></thead><tbody>\n");
        for (var row = 0; row < counts.Count; row++)
        {
            var total = counts[row].Sum();
            _body.Append("<tr><th>").Append(Encode(classes[row])).Append("</th>");
            for (var column = 0; column < classes.Count; column++)
            {
                var (count, share) = (counts[row][column], total > 0 ? counts[row][column] / (double)total : 0);
                var hint = Encode($"true {classes[row]}, predicted {classes[column]}: {count} of {total}");
                _body.Append(CultureInfo.InvariantCulture, $"<td style=\"--share:{share:0.###}\"{(share > 0.4 ? " class=dark" : "")} title=\"{hint}\">")
                    .Append(CultureInfo.InvariantCulture, $"{(count > 0 ? count : "")}</td>");
            }

            _body.Append("</tr>\n");
        }

        return Append("</tbody></table></div>\n");
    }

    /// <summary>A picture with its caption; <paramref name="png"/> is embedded.</summary>
    public HtmlReport Picture(byte[] png, string caption) => Figure($"<img src=\"{DataUri(png, "image/png")}\" alt=\"{Encode(caption)}\">", caption);

    /// <summary>A player of a film, which is embedded.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="mime">Such as <c>video/mp4</c>; browsers play H.264 or VP9.</param>
    /// <param name="caption">What it shows.</param>
    public HtmlReport Video(byte[] bytes, string mime, string caption) =>
        Figure($"<video controls preload=metadata src=\"{DataUri(bytes, mime)}\"></video>", caption);

    /// <summary>A player of a sound, which is embedded.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="mime">Such as <c>audio/wav</c>.</param>
    /// <param name="caption">What it is.</param>
    public HtmlReport Audio(byte[] bytes, string mime, string caption) =>
        Figure($"<audio controls preload=metadata src=\"{DataUri(bytes, mime)}\"></audio>", caption);

    /// <summary>A chart under its title. The first line charts of a page have switches for smoothing and lines before them.</summary>
    public HtmlReport Chart(PageChart chart)
    {
        _hasCharts = true;
        var rows = chart.Kind == "heat" ? chart.Series.Count : chart.Series.Max(s => s.Text?.Count) ?? 0;
        return Append($"<figure class=\"chart {chart.Kind}\" style=\"--rows:{rows}\"><figcaption><span>{Encode(chart.Title)}</span></figcaption>")
            .Append($"<div class=plot></div><script type=\"application/json\">{chart.ToJson()}</script></figure>\n");
    }

    /// <summary>Puts what follows up to <see cref="EndGrid"/> side by side.</summary>
    public HtmlReport BeginGrid() => Append("<div class=grid>\n");

    public HtmlReport EndGrid() => Append("</div>\n");

    /// <summary>Writes the page beside <paramref name="path"/> and renames it into place.</summary>
    public void Save(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var temporary = path + ".tmp";
        File.WriteAllText(temporary, ToString());
        File.Move(temporary, path, overwrite: true);
    }

    public override string ToString() => $"""
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><title>{Encode(title)}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy"
              content="default-src 'none'; img-src data: blob:; media-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
        <style>
        {Resource("page.css")}</style></head><body>
        <header><h1>{Encode(title)}</h1></header>
        {_verdicts}{_body}{(_hasCharts ? $"<script>{Resource("plotly.js")}</script>\n" : "")}<script>
        {Resource("page.js")}</script></body></html>

        """;

    private static string Name(VerdictLevel level) => level switch
    {
        VerdictLevel.Good => "good",
        VerdictLevel.Warning => "warning",
        VerdictLevel.Bad => "bad",
        _ => "plain",
    };

    private static bool IsNumber(string cell) =>
        double.TryParse(cell.Replace('−', '-').TrimEnd('%', 'x', '×', ' '), NumberStyles.Float, CultureInfo.InvariantCulture, out _);

    private static string DataUri(byte[] bytes, string mime) => $"data:{Encode(mime)};base64,{Convert.ToBase64String(bytes)}";

    private static string Encode(string text) => WebUtility.HtmlEncode(text);

    private static string Resource(string name)
    {
        using StreamReader reader = new(typeof(HtmlReport).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    private HtmlReport Figure(string content, string caption) => Append($"<figure>{content}<figcaption>{Encode(caption)}</figcaption></figure>\n");

    private HtmlReport Append(string html)
    {
        _body.Append(html);
        return this;
    }
}
