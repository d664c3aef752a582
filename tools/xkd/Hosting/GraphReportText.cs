using Xkd.Pipeline;

namespace Xkd.Cli.Hosting;

/// <summary>A graph's measurements as lines of text.</summary>
internal static class GraphReportText
{
    /// <summary>A table of the stages, within 80 columns, and the bottleneck.</summary>
    public static void Write(GraphReport report, Terminal terminal)
    {
        foreach (var line in Table(report))
        {
            terminal.Result(line);
        }

        terminal.Result($"  {report.Remedy}");
    }

    internal static IEnumerable<string> Table(GraphReport report) => report.Stages
        .Select(s => $"  {s.Title,-14} {s.Count,8} {s.Failed,6} {s.MeanMs,8:f1} {s.P99Ms,9:f1} {s.GetWait,7:f1} {s.PutWait,7:f1} "
            + $"{s.Utilisation,5:p0} {report.WaitRatios[s.Name],6:f2}")
        .Prepend($"  {"stage",-14} {"items",8} {"failed",6} {"mean ms",8} {"p99 ms",9} {"in: s",7} {"out: s",7} {"busy",5} {"share",6}");
}
