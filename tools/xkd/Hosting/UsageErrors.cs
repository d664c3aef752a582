using System.CommandLine;
using System.CommandLine.Parsing;
using Xkd.Storage;

namespace Xkd.Cli.Hosting;

/// <summary>What is wrong with a command line, each in a line that says what to write instead.</summary>
internal static class UsageErrors
{
    /// <summary>One line per error, and one that names the help.</summary>
    /// <param name="parsed">A command line with errors.</param>
    /// <param name="name">What a person types before a verb.</param>
    public static IEnumerable<string> Of(ParseResult parsed, string name)
    {
        var command = parsed.CommandResult.Command;
        var verb = Verb(parsed.CommandResult);
        if (command.Subcommands.Count > 0 && command.Action is null)
        {
            var below = command.Subcommands.Select(c => c.Name);
            yield return parsed.UnmatchedTokens.Count > 0
                ? $"there is no verb {verb}{parsed.UnmatchedTokens[0]}{Meant(parsed.UnmatchedTokens[0], below)}"
                : $"{verb}needs one of {string.Join(", ", below)}";
        }
        else
        {
            foreach (var error in parsed.Errors)
            {
                var token = parsed.UnmatchedTokens.FirstOrDefault(t => error.Message.Contains($"'{t}'", StringComparison.Ordinal));
                yield return token is null ? error.Message : $"{verb}does not take {token}{(token.StartsWith('-') ? Meant(token, Options(command)) : string.Empty)}";
            }
        }

        yield return $"see `{name} {verb}--help`";
    }

    private static string Meant(string written, IEnumerable<string> known) =>
        Spelling.Nearest(written, known) is { } nearest ? $"; did you mean {nearest}?" : string.Empty;

    private static IEnumerable<string> Options(Command command) => command.Options.Append(CommonOptions.Quiet).Select(o => o.Name).Append("--help");

    // Empty at the root, else "eval svm " with the space.
    private static string Verb(CommandResult result) => result.Parent is CommandResult parent ? $"{Verb(parent)}{result.Command.Name} " : string.Empty;
}
