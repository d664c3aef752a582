namespace Xkd.Pipeline;

/// <summary>A graph's measurements as files: <c>profile.html</c>, a page with a picture of the queues over time, and <c>trace.json</c>.</summary>
public static class GraphProfile
{
    /// <summary>Writes both into a folder, which is made.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="title">The page's title.</param>
    /// <param name="report">What was measured.</param>
    /// <param name="notes">More to say, a paragraph each.</param>
    /// <param name="writeTrace">Writes the stage spans as a Chrome trace.</param>
    public static void Write(string folder, string title, GraphReport report, IEnumerable<string> notes, Action<Stream> writeTrace)
    {
        Directory.CreateDirectory(folder);
        using (var trace = File.Create(Path.Combine(folder, "trace.json")))
        {
            writeTrace(trace);
        }

        HtmlReport page = new(title);
        (var columns, var rows) = Table(report);
        page.Paragraph($"{report.Remedy}. {report.Seconds:f1} s measured.").Table(columns, rows);
        foreach (var note in notes)
        {
            page.Paragraph(note);
        }

        if (report.Timeline.Count > 0)
        {
            page.Heading("Over time").BeginGrid();
            Chart(page, "Queue in front of each stage, share filled", report, s => s.Occupancy);
            Chart(page, "Workers of each stage, share at work", report, s => s.Busy);
            page.EndGrid().Paragraph("A full queue stands in front of the stage that sets the pace; behind it queues are empty.");
        }

        page.Save(Path.Combine(folder, "profile.html"));
    }

    /// <summary>One row per stage.</summary>
    public static (string[] Columns, IEnumerable<string[]> Rows) Table(GraphReport report) =>
        (["stage", "items", "failed", "mean ms", "p50 ms", "p99 ms", "get wait s", "put wait s", "queue filled", "busy", "MB", "share of waiting"],
        report.Stages.Select(s => new[]
        {
            s.Name, $"{s.Count}", $"{s.Failed}", $"{s.MeanMs:f2}", $"{s.P50Ms:f2}", $"{s.P99Ms:f2}", $"{s.GetWait:f2}", $"{s.PutWait:f2}", $"{s.Occupancy:p0}", $"{s.Utilisation:p0}", $"{s.Bytes / 1e6:f1}",
            $"{report.WaitRatios[s.Name]:f2}",
        }));

    private static void Chart(HtmlReport page, string title, GraphReport report, Func<OccupancySample, IReadOnlyList<double>> of)
    {
        SvgLineChart chart = new(title, "seconds");
        double[] at = [.. report.Timeline.Select(s => (s.Start + s.End) / 2)];
        for (var i = 0; i < report.Stages.Count; i++)
        {
            chart.Add(report.Stages[i].Name, at, [.. report.Timeline.Select(s => of(s)[i])]);
        }

        page.Chart(chart, title);
    }
}
