namespace Xkd.Pipeline.Tests;

public sealed class HtmlReportTests
{
    private const string Evil = "</script><b onclick=x>\"a\" & b";

    [Fact]
    public void ToString_EveryPart_AsksNothingOfANetwork()
    {
        var page = Everything().ToString();
        Assert.NotEmpty(HtmlPage.Addresses(page));
        Assert.All(HtmlPage.Addresses(page), address => Assert.StartsWith("data:", address, StringComparison.Ordinal));
        Assert.DoesNotContain("http://", HtmlPage.Markup(page), StringComparison.Ordinal);
        Assert.DoesNotContain("https://", HtmlPage.Markup(page), StringComparison.Ordinal);
        Assert.Contains("default-src 'none'", page, StringComparison.Ordinal);
    }

    [Fact]
    public void ToString_NamesWithMarkup_AreTextAndStayInTheData()
    {
        var page = Everything().ToString();
        Assert.DoesNotContain("<b onclick", page, StringComparison.Ordinal);
        Assert.Contains("<h2>&lt;/script&gt;&lt;b onclick=x&gt;&quot;a&quot; &amp; b</h2>", page, StringComparison.Ordinal);
        var lines = HtmlPage.Charts(page)[0];
        Assert.Equal(("lines", Evil), (lines.GetProperty("kind").GetString(), lines.GetProperty("series")[0].GetProperty("name").GetString()));
        Assert.Equal(page.Split("<script").Length, page.Split("</script>").Length);
    }

    [Fact]
    public void Verdict_GivenLast_StandsFirstWithItsLevel()
    {
        var page = new HtmlReport("t").Heading("later").Verdict("It did not learn.", VerdictLevel.Bad).ToString();
        var at = page.IndexOf("<div class=\"verdict bad\">It did not learn.</div>", StringComparison.Ordinal);
        Assert.InRange(at, 1, page.IndexOf("<h2>later</h2>", StringComparison.Ordinal));
    }

    [Fact]
    public void Table_ColumnsOfNumbersOnly_AreFlushRight()
    {
        var page = new HtmlReport("t").Table(["name", "%", "mixed"], [["1", "2.5 %", "3"], ["b", "–", "c"]]).ToString();
        Assert.Contains("<tr><th>name</th><th class=n>%</th><th>mixed</th></tr>", page, StringComparison.Ordinal);
        Assert.Contains("<tr><td>1</td><td class=n>2.5 %</td><td>3</td></tr>", page, StringComparison.Ordinal);
        Assert.Contains("<tr><td>b</td><td class=n>–</td><td>c</td></tr>", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Confusion_Cell_SaysBothNamesAndItsShare()
    {
        var page = new HtmlReport("t").Confusion([[3, 1], [0, 0]], ["cat", "dog"]).ToString();
        Assert.Contains("<td style=\"--share:0.75\" class=dark title=\"true cat, predicted cat: 3 of 4\">3</td>", page, StringComparison.Ordinal);
        Assert.Contains("<td style=\"--share:0.25\" title=\"true cat, predicted dog: 1 of 4\">1</td>", page, StringComparison.Ordinal);
        Assert.Contains("<td style=\"--share:0\" title=\"true dog, predicted cat: 0 of 0\"></td>", page, StringComparison.Ordinal);
    }

    [Fact]
    public void ToString_NoChart_CarriesNoChartingScript()
    {
        var without = new HtmlReport("t").Heading("h").ToString();
        var with = new HtmlReport("t").Chart(PageChart.Lines("c", "x", "y").Line("a", [1], [1], 0)).ToString();
        Assert.InRange(without.Length, 1000, 50_000);
        Assert.InRange(with.Length, 1_000_000, 1_250_000);
        Assert.Contains("plotly.js (basic - minified)", with, StringComparison.Ordinal);
    }

    [Fact]
    public void Players_AreEmbeddedWithTheirKind()
    {
        var page = Everything().ToString();
        Assert.Contains("<video controls preload=metadata src=\"data:video/mp4;base64,AQI=\"></video><figcaption>film<", page, StringComparison.Ordinal);
        Assert.Contains("<audio controls preload=metadata src=\"data:audio/wav;base64,AwQ=\"></audio><figcaption>sound<", page, StringComparison.Ordinal);
    }

    /// <summary>A page of all that a page can hold.</summary>
    internal static HtmlReport Everything() => new HtmlReport(Evil)
        .Verdict(Evil, VerdictLevel.Good).Heading(Evil).Paragraph("https is a word.").BeginGrid()
        .Chart(PageChart.Lines("lines", "step", "nats").Line(Evil, [1, 2, 3], [3, double.NaN, 1], 0).Line("b", [1, 2, 3], [1, 2, 4], 1)).EndGrid()
        .Chart(PageChart.Points("points", "x", "y").Class("cat", [(1, 2, "a.mp4")], 0).Class("dog", [(2, 1, "b.mp4")], 1))
        .Chart(PageChart.Bars("bars", "seconds").Part("work", [("read", 1), ("write", 2)], Palette.Colour(0))
            .Part("wait", [("read", 3), ("write", 0)], Palette.Colour(1)))
        .Chart(PageChart.Heat("heat", "seconds").Row("read", [(0, 1, 0.5), (1, 3, 1)]).Row("write", [(0, 1, 0), (1, 3, 0.25)]))
        .Table(["class", "%"], [["a", "9"], ["b", "10"], ["c", "2.5"]]).Confusion([[3, 1], [0, 2]], ["cat", Evil])
        .Video([1, 2], "video/mp4", "film").Audio([3, 4], "audio/wav", "sound").Picture(FramePictures.Spectrogram([0, 1], 1, 2), Evil);
}
