namespace Xkd.Pipeline;

/// <summary>A graph's measurements as files: <c>profile.html</c>, a page of each stage's time and of the queues over time, and <c>trace.json</c>.</summary>
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
        page.Verdict($"{report.Remedy}.", VerdictLevel.Plain);
        foreach (var note in notes)
        {
            page.Paragraph(note);
        }

        (var columns, var rows) = Table(report);
        page.Heading($"Where the time went: {report.Seconds:f1} s measured").Chart(TimePerStage(report)).Table(columns, rows);
        if (report.Timeline.Count > 0)
        {
            page.Heading("Over time").Paragraph("A full queue stands in front of the stage that sets the pace; behind it queues are empty.")
                .Chart(OverTime("Queue in front of each stage: share filled", report, s => s.Occupancy))
                .Chart(OverTime("Workers of each stage: share at work", report, s => s.Busy));
        }

        page.Save(Path.Combine(folder, "profile.html"));
    }

    /// <summary>One row per stage.</summary>
    public static (string[] Columns, IEnumerable<string[]> Rows) Table(GraphReport report) =>
        ([
            "stage", "workers", "items", "failed", "mean ms an item", "median ms", "99 % within ms",
            "waited for input, s", "waited for output, s", "queue filled", "workers at work", "MB out",
            "share of all waiting it causes",
        ],
        report.Stages.Select(s => new[]
        {
            s.Name, $"{s.Parallelism}", $"{s.Count}", $"{s.Failed}", $"{s.MeanMs:f2}", $"{s.P50Ms:f2}", $"{s.P99Ms:f2}",
            $"{s.GetWait:f2}", $"{s.PutWait:f2}", $"{s.Occupancy:p0}", $"{s.Utilisation:p0}", $"{s.Bytes / 1e6:f1}",
            $"{report.WaitRatios[s.Name]:f2}",
        }));

    /// <summary>What a worker of each stage did with its time.</summary>
    public static PageChart TimePerStage(GraphReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        return PageChart.Bars("What each stage's workers did, mean of its workers", "seconds")
            .Part("working", report.Stages.Select(s => (s.Name, s.MeanMs * s.Count / 1e3 / s.Parallelism)), Palette.Colour(0))
            .Part("waiting for input", report.Stages.Select(s => (s.Name, s.GetWait / s.Parallelism)), Palette.Colour(7))
            .Part("waiting for output", report.Stages.Select(s => (s.Name, s.PutWait / s.Parallelism)), Palette.Colour(4));
    }

    private static PageChart OverTime(string title, GraphReport report, Func<OccupancySample, IReadOnlyList<double>> of)
    {
        var chart = PageChart.Heat(title, "seconds since the start");
        for (var i = 0; i < report.Stages.Count; i++)
        {
            chart.Row(report.Stages[i].Name, report.Timeline.Select(s => (s.Start, s.End, of(s)[i])));
        }

        return chart;
    }
}
