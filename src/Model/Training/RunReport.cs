using System.Globalization;
using Xkd.Model.Method;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Model.Training;

/// <summary>Compares runs on one page: where each stands, its curves, and the configuration keys in which they differ.</summary>
public static class RunReport
{
    private const int Tail = 50;

    // Beside the scalars of the steps, which are all shown.
    private static readonly string[] Costs = ["lr", "ms", "samples_per_s", "data_wait"];

    /// <summary>Writes the page of <paramref name="runs"/> (run folders) to <paramref name="path"/>.</summary>
    /// <exception cref="UsageException">A folder is no run.</exception>
    public static void Write(IReadOnlyList<string> runs, string path)
    {
        List<(string Name, IReadOnlyList<StepMetrics> Steps)> curves = [];
        List<Dictionary<string, string>> configs = [];
        foreach (var folder in runs)
        {
            var run = new RunFolder(folder);
            configs.Add(ConfigBinder.Leaves(run.ReadConfig()).ToDictionary(l => l.Key, l => l.Value, StringComparer.Ordinal));
            curves.Add((Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))), MetricsLog.Read(run.Metrics)));
        }

        var page = new HtmlReport(runs.Count == 1 ? $"XKD run {curves[0].Name}" : $"XKD runs {string.Join(", ", curves.Select(c => c.Name))}");
        var names = Names(curves);
        page.Heading("Where they stand");
        page.Table(["run", "steps", .. names], curves.Select(c => (string[])[c.Name, $"{(c.Steps.Count == 0 ? 0 : c.Steps[^1].Step)}", .. names.Select(name => Mean(c.Steps, name))]));
        page.Paragraph($"Means over the last {Tail} steps.");
        AddCurves(page, curves);
        string[] differing = [.. configs[0].Keys.Where(k => configs.Any(c => c[k] != configs[0][k]))];
        if (differing.Length > 0)
        {
            page.Heading("Where their configurations differ").Table(["key", .. curves.Select(c => c.Name)], differing.Select(k => (string[])[k, .. configs.Select(c => c[k])]));
        }

        page.Save(path);
    }

    /// <summary>Adds one chart per scalar that the steps have, each with a line per run that has it.</summary>
    public static void AddCurves(HtmlReport page, IReadOnlyList<(string Name, IReadOnlyList<StepMetrics> Steps)> runs)
    {
        page.Heading("Curves").BeginGrid();
        foreach (var name in Names(runs))
        {
            var chart = new SvgLineChart(name, "step");
            foreach (var (run, steps) in runs)
            {
                StepMetrics[] with = [.. steps.Where(s => Has(s, name))];
                if (with.Length > 0)
                {
                    chart.Add(run, [.. with.Select(s => (double)s.Step)], [.. with.Select(s => Of(s, name))]);
                }
            }

            page.Chart(chart, name);
        }

        page.EndGrid();
    }

    private static string[] Names(IEnumerable<(string Name, IReadOnlyList<StepMetrics> Steps)> runs) =>
        ["loss", .. runs.SelectMany(run => run.Steps.TakeLast(1)).SelectMany(step => step.Scalars.Keys).Where(name => name != "loss").Distinct(), .. Costs];

    private static bool Has(StepMetrics step, string name) => step.Scalars.ContainsKey(name) || Costs.Contains(name);

    private static double Of(StepMetrics step, string name) => step.Scalars.TryGetValue(name, out var value) ? value : step.Values.First(v => v.Key == name).Value;

    private static string Mean(IReadOnlyList<StepMetrics> steps, string name)
    {
        double[] values = [.. steps.TakeLast(Tail).Where(s => Has(s, name)).Select(s => Of(s, name))];
        return values.Length == 0 ? "" : values.Average().ToString("g5", CultureInfo.InvariantCulture);
    }
}
