using System.Globalization;
using System.Net;
using System.Text;

namespace Xkd.Pipeline;

/// <summary>
/// One self-contained HTML page: headings, paragraphs, tables, SVG charts and PNG pictures, readable without a network and with
/// nothing to install.
/// </summary>
public sealed class HtmlReport(string title)
{
    private readonly StringBuilder _body = new();

    public HtmlReport Heading(string text) => Append($"<h2>{Encode(text)}</h2>\n");

    public HtmlReport Paragraph(string text) => Append($"<p>{Encode(text)}</p>\n");

    /// <summary>A table; a row's cells that parse as numbers are set flush right.</summary>
    public HtmlReport Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        _body.Append("<table><thead><tr>");
        foreach (var column in columns)
        {
            _body.Append("<th>").Append(Encode(column)).Append("</th>");
        }

        _body.Append("</tr></thead><tbody>\n");
        foreach (var row in rows)
        {
            _body.Append("<tr>");
            foreach (var cell in row)
            {
                var number = cell.Length > 0 && double.TryParse(cell.TrimEnd('%', 'x', '×', ' '), NumberStyles.Float, CultureInfo.InvariantCulture, out _);
                _body.Append(number ? "<td class=n>" : "<td>").Append(Encode(cell)).Append("</td>");
            }

            _body.Append("</tr>\n");
        }

        return Append("</tbody></table>\n");
    }

    /// <summary>A picture with its caption; <paramref name="png"/> is embedded.</summary>
    public HtmlReport Picture(byte[] png, string caption) =>
        Append($"<figure><img src=\"data:image/png;base64,{Convert.ToBase64String(png)}\" alt=\"{Encode(caption)}\"><figcaption>{Encode(caption)}</figcaption></figure>\n");

    /// <summary>A chart with its caption.</summary>
    public HtmlReport Chart(SvgLineChart chart, string caption) => Append($"<figure>{chart.ToSvg()}<figcaption>{Encode(caption)}</figcaption></figure>\n");

    /// <summary>Puts the charts that follow up to <see cref="EndGrid"/> side by side.</summary>
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

    public override string ToString() => $$"""
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><title>{{Encode(title)}}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <style>
        body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #1c2430; background: #fff; }
        h1 { font-size: 1.7rem; } h2 { font-size: 1.2rem; margin-top: 2rem; border-bottom: 1px solid #d8dee6; }
        table { border-collapse: collapse; margin: .8rem 0; } th, td { padding: .25rem .8rem; text-align: left; border-bottom: 1px solid #e5e9ef; }
        th { background: #f4f6f9; } td.n { text-align: right; font-variant-numeric: tabular-nums; }
        figure { margin: .8rem 0; } figcaption { color: #566; font-size: .9rem; } img, svg { max-width: 100%; height: auto; }
        .grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(21rem, 1fr)); gap: .6rem; }
        </style></head><body>
        <h1>{{Encode(title)}}</h1>
        {{_body}}</body></html>

        """;

    private static string Encode(string text) => WebUtility.HtmlEncode(text);

    private HtmlReport Append(string html)
    {
        _body.Append(html);
        return this;
    }
}
