using System.Globalization;
using Xkd.Pipeline;
using Xkd.Storage;

namespace Xkd.Model.Training;

/// <summary>Compares runs on one page: where each stands, its curves, and the configuration keys in which they differ.</summary>
public static class RunReport
{
    /// <summary>Writes the page of <paramref name="runs"/> (run folders) to <paramref name="path"/>.</summary>
    /// <exception cref="UsageException">A folder is no run.</exception>
    public static void Write(IReadOnlyList<string> runs, string path)
    {
        List<(string Name, IReadOnlyList<StepMetrics> Steps)> curves = [];
        List<Dictionary<string, string>> configs = [];
        foreach (string folder in runs)
        {
            RunFolder run = new(folder);
            configs.Add(Configuration.ConfigBinder.Leaves(run.ReadConfig()).ToDictionary(l => l.Key, l => l.Value, StringComparer.Ordinal));
            curves.Add((Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))), MetricsLog.Read(run.Metrics)));
        }

        HtmlReport page = new(runs.Count == 1 ? $"XKD run {curves[0].Name}" : $"XKD runs {string.Join(", ", curves.Select(c => c.Name))}");
        page.Heading("Where they stand");
        page.Table(["run", "steps", "loss", "video reconstruction", "audio reconstruction", "ms/step", "samples/s", "data wait %"], curves.Select(c =>
        {
            StepMetrics[] tail = [.. c.Steps.TakeLast(50)];
            return tail.Length == 0 ? [c.Name, "0"] : new[]
            {
                c.Name, $"{tail[^1].Step}", Mean(tail, s => s.Loss), Mean(tail, s => s.ReconVideo), Mean(tail, s => s.ReconAudio), Mean(tail, s => s.Ms), Mean(tail, s => s.SamplesPerSecond),
                Mean(tail, s => 100 * s.DataWait),
            };
        }));
        page.Paragraph("Means over the last 50 steps.");
        RunCharts.Add(page, curves);
        string[] differing = [.. configs[0].Keys.Where(k => configs.Any(c => c[k] != configs[0][k]))];
        if (differing.Length > 0)
        {
            page.Heading("Where their configurations differ").Table(["key", .. curves.Select(c => c.Name)], differing.Select(k => (string[])[k, .. configs.Select(c => c[k])]));
        }

        page.Save(path);
    }

    private static string Mean(StepMetrics[] steps, Func<StepMetrics, double> of) => steps.Average(of).ToString("g5", CultureInfo.InvariantCulture);
}
