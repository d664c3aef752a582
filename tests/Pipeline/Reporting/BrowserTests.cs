using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Xkd.Pipeline.Tests;

/// <summary>A page in a real browser, where Chromium is installed.</summary>
public sealed partial class BrowserTests : IDisposable
{
    // What a reader does: a column sorted twice, smoothing off, a line off, the scale logarithmic, the other theme.
    private const string Reader = """
        <script>
        const click = selector => document.querySelector(selector).click();
        click('table.sortable th:nth-child(2) button');
        root.dataset.sorted = [...document.querySelectorAll('table.sortable tbody tr')].map(row => row.cells[0].textContent).join('');
        click('table.sortable th:nth-child(2) button');
        root.dataset.reversed = [...document.querySelectorAll('table.sortable tbody tr')].map(row => row.cells[0].textContent).join('');
        click('.chart.lines figcaption button');
        click('.controls input[type=checkbox]');
        click('button.theme');
        root.dataset.smoothed = JSON.stringify(smooth([4, null, 2], 0.5));
        addEventListener('load', () => setTimeout(() => {
          root.dataset.plots = charts.map(chart => chart.plot.querySelectorAll('.trace, .point').length).join();
          root.dataset.scale = charts[0].plot.layout.yaxis.type;
          root.dataset.seen = charts[0].plot.data.map(trace => `${trace.visible}`).join();
        }, 3000));
        </script>
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("xkd-browser").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Page_OpenedAndUsed_DrawsSortsAndSwitchesWithoutAnError()
    {
        var browser = new[] { "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome" }.FirstOrDefault(File.Exists);
        Assert.SkipWhen(browser is null, "NO CHROMIUM: apt-get install chromium; the script of the pages is not run");
        var path = Path.Combine(_folder, "page.html");
        var page = HtmlReportTests.Everything().ToString().Replace("</body>", Reader + "</body>", StringComparison.Ordinal);
        await File.WriteAllTextAsync(path, page, TestContext.Current.CancellationToken);
        var (dom, log) = await OpenAsync(browser!, path);
        Assert.DoesNotContain("CONSOLE", log, StringComparison.Ordinal);
        var root = Root().Match(dom).Value;
        Assert.Contains("data-sorted=\"bac\"", root, StringComparison.Ordinal); // 10, 9, 2.5: as numbers, not as words
        Assert.Contains("data-reversed=\"cab\"", root, StringComparison.Ordinal);
        Assert.Contains("data-smoothed=\"[4,null,2.6666666666666665]\"", root, StringComparison.Ordinal);
        Assert.Contains("data-scale=\"log\"", root, StringComparison.Ordinal);
        Assert.Contains("data-seen=\"false,true\"", root, StringComparison.Ordinal);
        Assert.Contains("data-theme=\"dark\"", root, StringComparison.Ordinal);
        Assert.Matches("data-plots=\"[1-9][0-9]*(,[1-9][0-9]*){3}\"", root); // of four charts
    }

    private async Task<(string Dom, string Log)> OpenAsync(string browser, string path)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(2));
        ProcessStartInfo start = new(
            browser,
            [
                "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
                $"--user-data-dir={_folder}/profile", "--blink-settings=preferredColorScheme=1", "--virtual-time-budget=20000",
                "--dump-dom", $"file://{path}",
            ])
        {
            UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        try
        {
            var log = process.StandardError.ReadToEndAsync(limit.Token);
            var dom = await process.StandardOutput.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return (dom, await log);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    [GeneratedRegex("<html[^>]*>")]
    private static partial Regex Root();
}
