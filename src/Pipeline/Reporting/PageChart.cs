using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Xkd.Pipeline;

/// <summary>A chart of a page: the data that the page's script draws. Values that are not finite leave a gap.</summary>
public sealed class PageChart
{
    private const int MostPoints = 1000;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    private readonly List<PageSeries> _series = [];

    private PageChart(string kind, string title, string x, string y) => (Kind, Title, X, Y) = (kind, title, x, y);

    /// <summary><c>lines</c>, <c>points</c>, <c>bars</c> or <c>heat</c>.</summary>
    public string Kind { get; }

    public string Title { get; }

    /// <summary>Title of the x axis, with its unit.</summary>
    public string X { get; }

    /// <summary>Title of the y axis, with its unit.</summary>
    public string Y { get; }

    /// <summary>The y axis begins at 0: for rates and times.</summary>
    public bool From0 { get; init; }

    /// <summary>What of x is shown at first; null for all.</summary>
    public double[]? Range { get; init; }

    public IReadOnlyList<PageSeries> Series => _series;

    /// <summary>Lines over one x axis.</summary>
    public static PageChart Lines(string title, string x, string y, bool from0 = false, double[]? range = null) =>
        new("lines", title, x, y) { From0 = from0, Range = range };

    /// <summary>Points of a plane, by class.</summary>
    public static PageChart Points(string title, string x, string y) => new("points", title, x, y);

    /// <summary>A row of stacked lengths for each name.</summary>
    public static PageChart Bars(string title, string x) => new("bars", title, x, string.Empty);

    /// <summary>A row of shares over time for each name.</summary>
    public static PageChart Heat(string title, string x) => new("heat", title, x, string.Empty);

    /// <summary>Adds a line through (<paramref name="x"/>, <paramref name="y"/>). Of a long one each point is the mean of neighbours.</summary>
    /// <param name="name">What the legend calls it.</param>
    /// <param name="x">As many as y, ascending.</param>
    /// <param name="y">Values.</param>
    /// <param name="index">Which colour it has.</param>
    public PageChart Line(string name, IReadOnlyList<double> x, IReadOnlyList<double> y, int index)
    {
        var stride = Math.Max(1, (int)Math.Ceiling(x.Count / (double)MostPoints));
        return Add(new PageSeries
        {
            Name = name, Colour = Palette.Colour(index), Dash = Palette.Dash(index),
            X = [.. x.Chunk(stride).Select(c => c.Average())], Y = [.. y.Chunk(stride).Select(c => Short(c.Average()))],
        });
    }

    /// <summary>Adds the points of one class.</summary>
    /// <param name="name">The class.</param>
    /// <param name="points">Where each is, and what the pointer shows of it.</param>
    /// <param name="index">Which colour and symbol it has.</param>
    public PageChart Class(string name, IReadOnlyList<(double X, double Y, string Text)> points, int index) => Add(new PageSeries
    {
        Name = name, Colour = Palette.Colour(index), Symbol = Palette.Symbol(index),
        X = [.. points.Select(p => Short(p.X) ?? 0)], Y = [.. points.Select(p => Short(p.Y))], Text = [.. points.Select(p => p.Text)],
    });

    /// <summary>Adds one part of all bars.</summary>
    /// <param name="name">The part.</param>
    /// <param name="lengths">Its length in each row.</param>
    /// <param name="colour">Its colour.</param>
    public PageChart Part(string name, IEnumerable<(string Row, double Length)> lengths, string colour)
    {
        (string Row, double Length)[] all = [.. lengths];
        return Add(new PageSeries { Name = name, Colour = colour, Text = [.. all.Select(p => p.Row)], Y = [.. all.Select(p => Short(p.Length))] });
    }

    /// <summary>Adds a row of a heat map.</summary>
    /// <param name="name">The row.</param>
    /// <param name="intervals">Where each interval starts and ends, and its share.</param>
    public PageChart Row(string name, IEnumerable<(double Start, double End, double Share)> intervals)
    {
        (double Start, double End, double Share)[] all = [.. intervals];
        return Add(new PageSeries
        {
            Name = name, Colour = Palette.Colour(0), X = [.. all.Select(i => Short(i.Start) ?? 0)],
            Ends = [.. all.Select(i => Short(i.End) ?? 0)], Y = [.. all.Select(i => Short(i.Share))],
        });
    }

    /// <summary>As JSON without a character that ends a script.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json);

    private PageChart Add(PageSeries series)
    {
        _series.Add(series);
        return this;
    }

    // Six digits are more than a screen shows; all seventeen would triple the page.
    private static double? Short(double value) =>
        double.IsFinite(value) ? double.Parse(value.ToString("g6", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture) : null;
}
