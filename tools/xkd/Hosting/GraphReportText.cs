using Xkd.Pipeline;

namespace Xkd.Cli.Hosting;

/// <summary>A graph's measurements as lines of text.</summary>
internal static class GraphReportText
{
    public static void Write(GraphReport report, Terminal terminal)
    {
        terminal.Line($"  {"stage",-10} {"count",8} {"failed",7} {"mean ms",9} {"p50",8} {"p99",9} {"get wait s",11} {"put wait s",11} {"busy",5} {"MB",9} {"share",6}");
        foreach (var s in report.Stages)
        {
            terminal.Line($"  {s.Name,-10} {s.Count,8} {s.Failed,7} {s.MeanMs,9:f2} {s.P50Ms,8:f2} {s.P99Ms,9:f2} {s.GetWait,11:f2} {s.PutWait,11:f2} {s.Utilisation,5:p0} {s.Bytes / 1e6,9:f1} {report.WaitRatios[s.Name],6:f2}");
        }

        terminal.Line($"  {report.Remedy}");
    }
}
