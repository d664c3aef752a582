using System.CommandLine;
using Xkd.Cli.Hosting;
using Xkd.Model.Training;

namespace Xkd.Cli.Commands;

/// <summary><c>xkd report</c>: compare runs on one page.</summary>
internal static class ReportCommand
{
    public static Command Create()
    {
        Argument<string[]> runs = new("runs") { Description = "Run folders.", Arity = ArgumentArity.OneOrMore };
        var output = Outputs.File(CommonOptions.RequiredPath("--out", "The HTML file to write."));
        Command command = new("report", "Compare runs on one HTML page.") { runs, output };
        command.SetAction((parsed, _) =>
        {
            RunReport.Write(parsed.GetValue(runs)!, parsed.GetValue(output)!);
            new Terminal(json: false).Line(parsed.GetValue(output)!);
            return Task.FromResult(ExitCodes.Done);
        });
        return command;
    }
}
