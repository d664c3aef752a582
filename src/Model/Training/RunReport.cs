using System.Globalization;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Model.Training;

/// <summary>One or several runs on one page: what came of them, their scores and curves, and the configuration keys in which they differ.</summary>
public static class RunReport
{
    private const int Tail = 50;

    private const string NoTotal = "The total loss is not compared: the terms are not weighted or computed alike";

    // Beside the scalars of the steps, which are all shown.
    private static readonly string[] Costs = ["lr", "ms", "samples_per_s", "data_wait"];

    /// <summary>Writes the page of <paramref name="folders"/> (run folders) to <paramref name="path"/>, and of a single run its verdict beside the page.</summary>
    /// <exception cref="UsageException">A folder is no run, or is named twice.</exception>
    /// <exception cref="FailureException">A file of a run is damaged.</exception>
    public static void Write(IReadOnlyList<string> folders, string path)
    {
        if (folders.GroupBy(f => Path.TrimEndingDirectorySeparator(Path.GetFullPath(f))).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw new UsageException($"{twice.First()} is named twice; name every run once");
        }

        var names = DistinctNames.Of(folders);
        ComparedRun[] runs = [.. folders.Select((folder, i) => ComparedRun.Open(folder, names[i]))];
        HtmlReport page = new(runs.Length == 1 ? $"XKD run {names[0]}" : $"XKD runs {string.Join(", ", names)}");
        foreach (var run in runs)
        {
            run.Verdict.AddTo(page, runs.Length == 1 ? null : run.Name);
        }

        var differing = Differing(runs);
        string[] objective = [.. differing.Where(key => key.StartsWith("objective.", StringComparison.Ordinal))];
        AddFacts(page, runs);
        AddScores(page, runs);
        AddMeans(page, runs, objective);
        AddCurves(page, [.. runs.Select(r => (r.Name, r.Steps))], objective.Length == 0);
        if (differing.Length > 0)
        {
            page.Heading("Where their configurations differ")
                .Table(["key", .. names], differing.Select(key => (string[])[key, .. runs.Select(r => r.Config.GetValueOrDefault(key, "–"))]));
        }

        page.Save(path);
        if (runs.Length == 1)
        {
            runs[0].Verdict.Write(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, RunFolder.VerdictName));
        }
    }

    /// <summary>Adds one chart per scalar that the steps have, each with a line per run that has it. At first they show the steps that all runs have.</summary>
    /// <param name="page">Where to.</param>
    /// <param name="runs">Names and steps.</param>
    /// <param name="comparable">Whether the runs' total losses are means of the same terms, weighted alike.</param>
    public static void AddCurves(HtmlReport page, IReadOnlyList<(string Name, IReadOnlyList<StepMetrics> Steps)> runs, bool comparable = true)
    {
        ArgumentNullException.ThrowIfNull(page);
        if (runs.Count == 0)
        {
            return;
        }

        var (common, longest) = (runs.Min(r => LastStep(r.Steps)), runs.Max(r => LastStep(r.Steps)));
        double[]? range = common > 0 && common < longest ? [0, common] : null;
        page.Heading("Curves");
        if (range is not null)
        {
            page.Paragraph($"Shown are the {common} steps that all runs have; a double click on a chart shows all.");
        }

        if (!comparable)
        {
            page.Paragraph(NoTotal + ".");
        }

        page.BeginGrid();
        foreach (var name in Names(runs.Select(r => r.Steps)).Where(name => comparable || name != "loss"))
        {
            var chart = PageChart.Lines(ScalarTexts.Title(name), "optimizer step", ScalarTexts.Unit(name), ScalarTexts.From0(name), range);
            for (var run = 0; run < runs.Count; run++)
            {
                StepMetrics[] with = [.. runs[run].Steps.Where(s => Has(s, name))];
                if (with.Length > 0)
                {
                    chart.Line(runs[run].Name, [.. with.Select(s => (double)s.Step)], [.. with.Select(s => Of(s, name))], run);
                }
            }

            page.Chart(chart);
        }

        page.EndGrid();
    }

    private static void AddFacts(HtmlReport page, ComparedRun[] runs)
    {
        (string What, Func<ComparedRun, string> Of)[] facts =
        [
            ("steps done", r => $"{r.LastStep}"), ("time of the steps, h:mm:ss", r => r.Time), ("caches", r => r.Caches), ("clips", r => r.Clips),
            ("started from", r => r.StartedFrom), ("program version", r => r.Version),
        ];
        page.Heading("Runs").Table(["", .. runs.Select(r => r.Name)], facts.Select(f => (string[])[f.What, .. runs.Select(f.Of)]));
    }

    private static void AddScores(HtmlReport page, ComparedRun[] runs)
    {
        string[] evaluations = [.. runs.SelectMany(r => r.Scores).Select(s => s.What).Distinct()];
        if (evaluations.Length > 0)
        {
            page.Heading("Evaluations in the runs' folders")
                .Table(["evaluation", .. runs.Select(r => r.Name)], evaluations.Select(e => (string[])[e, .. runs.Select(r => Values(r, e))]));
        }

        static string Values(ComparedRun run, string evaluation) => string.Join(", ", run.Scores.Where(s => s.What == evaluation).Select(s => s.Value));
    }

    // Over the same steps of all: a run that is further would look better for that alone.
    private static void AddMeans(HtmlReport page, ComparedRun[] runs, string[] objective)
    {
        var last = runs.Min(r => r.LastStep);
        if (last == 0)
        {
            return;
        }

        var first = Math.Max(1, last - Tail + 1);
        page.Heading($"Means over steps {first} to {last}{(runs.Length > 1 ? ", which all runs have" : "")}");
        if (objective.Length > 0)
        {
            page.Paragraph($"{NoTotal} ({string.Join(", ", objective)}).");
        }

        page.Table(
            ["scalar", .. runs.Select(r => r.Name), "unit"],
            Names(runs.Select(r => r.Steps)).Where(name => objective.Length == 0 || name != "loss")
                .Select(name => (string[])[ScalarTexts.Title(name), .. runs.Select(r => Mean(Shared(r), name)), ScalarTexts.Unit(name)]));

        IEnumerable<StepMetrics> Shared(ComparedRun run) => run.Steps.Where(s => s.Step >= first && s.Step <= last);
    }

    private static string[] Differing(ComparedRun[] runs) =>
        [.. runs.SelectMany(r => r.Config.Keys).Distinct()
            .Where(key => runs.Any(r => r.Config.GetValueOrDefault(key) != runs[0].Config.GetValueOrDefault(key)))];

    private static long LastStep(IReadOnlyList<StepMetrics> steps) => steps.Count == 0 ? 0 : steps[^1].Step;

    private static string[] Names(IEnumerable<IReadOnlyList<StepMetrics>> runs) =>
        ["loss", .. runs.SelectMany(steps => steps.TakeLast(1)).SelectMany(step => step.Scalars.Keys).Where(name => name != "loss").Distinct(), .. Costs];

    private static bool Has(StepMetrics step, string name) => step.Scalars.ContainsKey(name) || Costs.Contains(name);

    private static double Of(StepMetrics step, string name) => step.Scalars.TryGetValue(name, out var value) ? value : step.Values.First(v => v.Key == name).Value;

    private static string Mean(IEnumerable<StepMetrics> steps, string name)
    {
        double[] values = [.. steps.Where(s => Has(s, name)).Select(s => Of(s, name))];
        return values.Length == 0 ? "" : values.Average().ToString("g5", CultureInfo.InvariantCulture);
    }
}
