using System.CommandLine;
using Xkd.Cli.Hosting;
using Xkd.Cli.Profiling;
using Xkd.Pipeline;

namespace Xkd.Cli.Commands;

/// <summary><c>xkd profile</c>: where one part of the main job spends its time.</summary>
internal static class ProfileCommand
{
    public static Command Create()
    {
        Argument<string> what = new("what") { Description = "ingest: media into a cache; decode: its first half; mel: the log-mel kernel; loader: a cache into augmented batches; svm: fits of a linear SVM." };
        what.AcceptOnlyFromAmong([.. Profiler.Names]);
        Option<string?> data = new("--data") { Description = "loader: read this cache instead of a generated one." };
        Option<string?> config = new("--config") { Description = "loader: cut what this configuration asks for." };
        Option<string[]> set = CommonOptions.Set();
        Option<string?> output = new("--out") { Description = "Folder for trace.json (chrome://tracing, Perfetto) and profile.html." };
        Option<Dictionary<string, TimeSpan>> delays = CommonOptions.DelayStage();
        Option<bool> json = CommonOptions.Json();
        Command command = new("profile", "Measure one part by itself and name its bottleneck.") { what, data, config, set, output, delays, json };
        command.SetAction(async (parsed, _) =>
        {
            using StopSignals signals = new();
            Terminal terminal = new(parsed.GetValue(json));
            ProfileOptions options = new() { Data = parsed.GetValue(data), Config = parsed.GetValue(config), Set = parsed.GetValue(set)!, Delays = parsed.GetValue(delays)! };
            string folder = Directory.CreateTempSubdirectory("xkd-profile-").FullName;
            try
            {
                ProfileOutcome outcome = await new Profiler(folder, options, terminal).RunAsync(parsed.GetValue(what)!, signals.Token).ConfigureAwait(false);
                Write(outcome, terminal, parsed.GetValue(output));
                return ExitCodes.Done;
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        });
        return command;
    }

    private static void Write(ProfileOutcome outcome, Terminal terminal, string? folder)
    {
        GraphReportText.Write(outcome.Report, terminal);
        foreach (string note in outcome.Notes)
        {
            terminal.Line($"  {note}");
        }

        if (folder is not null)
        {
            Directory.CreateDirectory(folder);
            using (FileStream trace = File.Create(Path.Combine(folder, "trace.json")))
            {
                outcome.WriteTrace(trace);
            }

            (string[] columns, IEnumerable<string[]> rows) = GraphReportText.Table(outcome.Report);
            HtmlReport page = new($"XKD profile: {outcome.What}");
            page.Paragraph($"{outcome.Rate:f1} a second over {outcome.Report.Seconds:f1} s. {outcome.Report.Remedy}").Table(columns, rows);
            foreach (string note in outcome.Notes)
            {
                page.Paragraph(note);
            }

            page.Save(Path.Combine(folder, "profile.html"));
            terminal.Line($"  {folder}/profile.html, trace.json");
        }

        if (terminal.Json)
        {
            Dictionary<string, object> result = new(StringComparer.Ordinal)
            {
                ["schema"] = 1, ["what"] = outcome.What, ["device"] = "cpu", ["threads"] = outcome.Threads, ["seconds"] = outcome.Report.Seconds, ["samples_per_s"] = outcome.Rate,
                ["stages"] = outcome.Report.Stages, ["wait_ratios"] = outcome.Report.WaitRatios, ["bottleneck"] = outcome.Report.Bottleneck, ["remedy"] = outcome.Report.Remedy,
                ["headspace"] = outcome.Headspace,
            };
            foreach ((string name, double value) in outcome.Figures)
            {
                result[name] = value;
            }

            foreach ((string name, IReadOnlyDictionary<string, double> values) in outcome.Tables)
            {
                result[name] = values;
            }

            Terminal.WriteJson(result);
        }
    }
}
