using System.Globalization;
using System.Net;
using System.Text;

namespace Xkd.Pipeline;

/// <summary>A small line chart as SVG: named series over one x axis. Values that are not finite leave a gap.</summary>
public sealed class SvgLineChart(string title, string xLabel)
{
    private const int Width = 480, Height = 260, Left = 58, Right = 12, Top = 28, Bottom = 36, Ticks = 5, MaxPoints = 600;
    private static readonly string[] Colours = ["#1f6fb4", "#d9542b", "#2e9e58", "#8d5bb5", "#c7921b", "#4aa7b8", "#b54a78", "#666f7c"];

    private readonly List<(string Name, double[] X, double[] Y)> _series = [];

    /// <summary>Adds a line through (<paramref name="x"/>, <paramref name="y"/>); long series are thinned by averaging neighbours.</summary>
    public SvgLineChart Add(string name, IReadOnlyList<double> x, IReadOnlyList<double> y)
    {
        var stride = Math.Max(1, (int)Math.Ceiling(x.Count / (double)MaxPoints));
        double[] xs = [.. x.Chunk(stride).Select(c => c.Average())];
        double[] ys = [.. y.Chunk(stride).Select(c => c.Average())];
        _series.Add((name, xs, ys));
        return this;
    }

    public string ToSvg()
    {
        (var x0, var x1) = Extent(_series.SelectMany(s => s.X));
        (var y0, var y1) = Extent(_series.SelectMany(s => s.Y));
        var pad = (y1 - y0) * 0.05;
        (y0, y1) = (y0 - pad, y1 + pad);
        double Px(double x) => Left + ((x - x0) / (x1 - x0) * (Width - Left - Right));
        double Py(double y) => Height - Bottom - ((y - y0) / (y1 - y0) * (Height - Top - Bottom));

        StringBuilder svg = new();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {Width} {Height}' width='{Width}' font-family='system-ui, sans-serif' font-size='11'>");
        svg.Append(CultureInfo.InvariantCulture, $"<text x='{Left}' y='16' font-size='13' font-weight='600'>{WebUtility.HtmlEncode(title)}</text>");
        for (var i = 0; i <= Ticks; i++)
        {
            double x = x0 + ((x1 - x0) * i / Ticks), y = y0 + ((y1 - y0) * i / Ticks);
            svg.Append(CultureInfo.InvariantCulture, $"<line x1='{Left}' x2='{Width - Right}' y1='{Py(y):f1}' y2='{Py(y):f1}' stroke='#e4e8ee'/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x='{Left - 5}' y='{Py(y) + 4:f1}' text-anchor='end' fill='#556'>{y:g3}</text>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x='{Px(x):f1}' y='{Height - Bottom + 15}' text-anchor='middle' fill='#556'>{x:g4}</text>");
        }

        svg.Append(CultureInfo.InvariantCulture, $"<text x='{(Left + Width - Right) / 2}' y='{Height - 4}' text-anchor='middle' fill='#556'>{WebUtility.HtmlEncode(xLabel)}</text>");
        for (var s = 0; s < _series.Count; s++)
        {
            AppendLine(svg, s, Px, Py);
        }

        return svg.Append("</svg>").ToString();
    }

    private void AppendLine(StringBuilder svg, int s, Func<double, double> px, Func<double, double> py)
    {
        (var name, var x, var y) = _series[s];
        var colour = Colours[s % Colours.Length];
        StringBuilder path = new();
        var drawing = false;
        for (var i = 0; i < x.Length; i++)
        {
            if (!double.IsFinite(y[i]))
            {
                drawing = false;
                continue;
            }

            path.Append(CultureInfo.InvariantCulture, $"{(drawing ? 'L' : 'M')}{px(x[i]):f1} {py(y[i]):f1}");
            drawing = true;
        }

        svg.Append(CultureInfo.InvariantCulture, $"<path d='{path}' fill='none' stroke='{colour}' stroke-width='1.6'/>");
        svg.Append(CultureInfo.InvariantCulture, $"<text x='{Width - Right - 4}' y='{Top + 10 + (13 * s)}' text-anchor='end' fill='{colour}'>{WebUtility.HtmlEncode(name)}</text>");
    }

    private static (double Low, double High) Extent(IEnumerable<double> values)
    {
        double low = double.PositiveInfinity, high = double.NegativeInfinity;
        foreach (var value in values.Where(double.IsFinite))
        {
            (low, high) = (Math.Min(low, value), Math.Max(high, value));
        }

        return low > high ? (0, 1) : low == high ? (low - 0.5, high + 0.5) : (low, high);
    }
}
