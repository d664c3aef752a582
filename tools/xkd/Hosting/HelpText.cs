using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Globalization;

namespace Xkd.Cli.Hosting;

/// <summary>Help as wide as the terminal; below that of the program itself stands what else a newcomer needs.</summary>
/// <param name="inner">Writes the lists.</param>
/// <param name="closing">The last lines of the program's own help.</param>
internal sealed class HelpText(HelpAction inner, string closing) : SynchronousCommandLineAction
{
    private const int RedirectedWidth = 80;

    public override bool ClearsParseErrors => true;

    /// <summary>Makes a program's help end with <paramref name="closing"/>.</summary>
    public static void Install(RootCommand root, string closing)
    {
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpText((HelpAction)help.Action!, closing);
    }

    /// <summary>The arguments that ask for the same help the way options do: nothing, or <c>help [VERB]</c>.</summary>
    public static string[] Asked(string[] args) => args is [] ? ["--help"] : args is ["help", .. var verb] ? [.. verb, "--help"] : args;

    public override int Invoke(ParseResult parseResult)
    {
        var output = parseResult.InvocationConfiguration.Output;
        using StringWriter text = new(CultureInfo.InvariantCulture);
        parseResult.InvocationConfiguration.Output = text;
        inner.MaxWidth = Console.IsOutputRedirected ? RedirectedWidth : Console.WindowWidth;
        inner.Invoke(parseResult);
        parseResult.InvocationConfiguration.Output = output;
        output.Write(parseResult.CommandResult.Command.Options.Where(IsBare).Aggregate(text.ToString(), Bracketed).TrimEnd() + Environment.NewLine);
        if (parseResult.CommandResult.Command is RootCommand)
        {
            output.Write(Environment.NewLine + closing);
        }

        return ExitCodes.Done;
    }

    // A value that may be left out stands in square brackets.
    private static bool IsBare(Option option) => option.ValueType != typeof(bool) && option.Arity is { MinimumNumberOfValues: 0, MaximumNumberOfValues: 1 };

    private static string Bracketed(string text, Option option)
    {
        var at = text.IndexOf($"{option.Name} <", StringComparison.Ordinal) + option.Name.Length + 1;
        var end = text.IndexOf('>', at);
        return at <= option.Name.Length ? text : $"{text[..at]}[{text[(at + 1)..end]}]{text[(end + 1)..]}";
    }
}
