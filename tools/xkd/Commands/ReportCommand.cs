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
        var force = CommonOptions.Force();
        Command command = new("report", "Compare runs on one HTML page.") { runs, output, force };
        command.SetAction((parsed, _) =>
        {
            var path = parsed.GetValue(output)!;
            Outputs.RequireFree(path, parsed.GetValue(force));
            RunReport.Write(parsed.GetValue(runs)!, path);
            var terminal = Terminal.Of(parsed);
            terminal.Result(path);
            terminal.Next($"xdg-open {path}");
            return Task.FromResult(ExitCodes.Done);
        });
        return command;
    }
}
