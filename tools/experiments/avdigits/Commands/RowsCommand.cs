using System.CommandLine;
using Xkd.Cli.Hosting;

namespace Xkd.Experiments.AvDigits;

/// <summary><c>rows</c>: what can be run, and what each row changes.</summary>
internal static class RowsCommand
{
    public static Command Create()
    {
        Command command = new("rows", "List the rows of the ablation.");
        command.SetAction((_, _) =>
        {
            Terminal terminal = new(json: false);
            foreach (var row in AblationRow.All)
            {
                terminal.Line($"{row.Name,-18} {row.Title,-48} {string.Join(' ', row.Overrides)}");
            }

            return Task.FromResult(ExitCodes.Done);
        });
        return command;
    }
}
