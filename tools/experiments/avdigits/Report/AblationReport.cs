using System.Globalization;
using Xkd.Cli.Evaluation;
using Xkd.Model.Training;
using Xkd.Pipeline;

namespace Xkd.Experiments.AvDigits;

/// <summary>The ablation's outcome: a table for the terminal and for documents, and one page with the table, the curves and maps of the features.</summary>
internal sealed class AblationReport(AblationFolder folder, AblationSize size)
{
    private static readonly string[] Modalities = ["video", "audio"];
    private static readonly string[] Columns = ["row", "seeds", "video %", "audio %", "video − recon", "audio − recon", "steps", "s a seed"];

    /// <summary>Writes table and page of what is done so far.</summary>
    /// <returns>The table's lines.</returns>
    public async Task<IReadOnlyList<string>> WriteAsync(CancellationToken stop)
    {
        var results = folder.Results();
        IReadOnlyList<string[]> rows = [.. results.Select(r => Line(r.Row, r.Seeds, results))];
        string[] lines =
        [
            $"| {string.Join(" | ", Columns)} |", $"|{string.Concat(Columns.Select((_, i) => i == 0 ? "---|" : "---:|"))}",
            .. rows.Select(r => $"| {string.Join(" | ", r)} |"), string.Empty, .. Margins(results),
        ];
        await File.WriteAllLinesAsync(folder.Table, lines, stop).ConfigureAwait(false);

        HtmlReport page = new($"XKD in miniature: avdigits, {size.Name} size");
        page.Paragraph("Pre-trained on the training clips without labels; accuracy of a linear SVM on the teachers' frozen features of the validation clips. Its C is chosen on a held-out fifth of the training clips. Chance is 10 %.");
        page.Table(Columns, rows);
        foreach (var margin in Margins(results))
        {
            page.Verdict($"{margin}.", VerdictLevel.Plain);
        }

        var trained = results.Where(r => r.Row.Trained).Select(r => (r.Row.Name, MetricsLog.Read(new RunFolder(folder.Run(r.Row, r.Seeds[0].Seed)).Metrics)));
        RunReport.AddCurves(page, [.. trained], comparable: false);
        await AddMapsAsync(page, results, stop).ConfigureAwait(false);
        page.Save(folder.Page);
        return lines;
    }

    /// <summary>What the claim rests on, in words; empty until the rows are there.</summary>
    private static IEnumerable<string> Margins(IReadOnlyList<(AblationRow Row, IReadOnlyList<RowResult> Seeds)> results)
    {
        foreach (var other in new[] { AblationRow.Reconstruction, AblationRow.Untrained })
        {
            foreach (var modality in Modalities)
            {
                if (Scores(results, AblationRow.Full, modality) is { } full && Scores(results, other, modality) is { } beside)
                {
                    yield return $"XKD's {modality} probe beside {other.Title}: {Difference(full, beside)} points";
                }
            }
        }
    }

    private static string[] Line(AblationRow row, IReadOnlyList<RowResult> seeds, IReadOnlyList<(AblationRow Row, IReadOnlyList<RowResult> Seeds)> results) =>
    [
        row.Title, $"{seeds.Count}", .. Modalities.Select(m => RowScores.Of(seeds, m)?.ToString() ?? "–"),
        .. Modalities.Select(m => RowScores.Of(seeds, m) is { } own && Scores(results, AblationRow.Reconstruction, m) is { } recon ? Difference(own, recon) : "–"),
        $"{seeds[0].Steps}", seeds.Average(s => s.Seconds).ToString("f0", CultureInfo.InvariantCulture),
    ];

    private static RowScores? Scores(IReadOnlyList<(AblationRow Row, IReadOnlyList<RowResult> Seeds)> results, AblationRow row, string modality) =>
        results.Where(r => r.Row.Name == row.Name).Select(r => RowScores.Of(r.Seeds, modality)).FirstOrDefault();

    private static string Difference(RowScores a, RowScores b) => (a.Mean - b.Mean).ToString("+0.0;-0.0;0.0", CultureInfo.InvariantCulture);

    private async Task AddMapsAsync(HtmlReport page, IReadOnlyList<(AblationRow Row, IReadOnlyList<RowResult> Seeds)> results, CancellationToken stop)
    {
        page.Heading("Features of the validation clips").Paragraph("The two leading principal components, coloured by digit; the first seed of each row.").BeginGrid();
        foreach ((var row, var seeds) in results)
        {
            foreach (var modality in seeds[0].Probes.Keys)
            {
                var features = folder.Features(row, seeds[0].Seed, modality);
                if (await FeatureScatter.ChartAsync(features, $"{row.Title}, {modality}", stop).ConfigureAwait(false) is { } map)
                {
                    page.Chart(map);
                }
            }
        }

        page.EndGrid();
    }
}
