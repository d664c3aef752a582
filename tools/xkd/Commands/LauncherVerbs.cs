using System.CommandLine;
using Xkd.Storage;

namespace Xkd.Cli.Commands;

/// <summary>Verbs that build and run other programs of a checkout: its script <c>xkd</c> has them, and here they are only named.</summary>
internal static class LauncherVerbs
{
    public static IEnumerable<Command> All() =>
    [
        Create("test", "Run every test, or those of an area; only ./xkd of a checkout has it."),
        Create("experiment", "Run an experiment, such as avdigits; only ./xkd of a checkout has it."),
    ];

    private static Command Create(string name, string description)
    {
        Command command = new(name, description) { TreatUnmatchedTokensAsErrors = false };
        Func<ParseResult, int> refuse = _ => throw new UsageException($"{name} builds from source: run ./xkd {name} in a checkout");
        command.SetAction(refuse);
        return command;
    }
}
