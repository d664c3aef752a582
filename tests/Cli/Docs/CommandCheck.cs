using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using Xkd.Model.Evaluation;
using Xkd.Model.Method;
using Xkd.Storage;

namespace Xkd.Cli.Tests.Docs;

/// <summary>Whether a command that a page prints is one that the program accepts: verbs, options, choices, configurations and their keys.</summary>
internal sealed partial class CommandCheck(RootCommand root)
{
    private const string AnyConfig = "configs/pretrain/xkd.yaml", AnyClassifier = "configs/eval/linear/folder.yaml";

    // What a page may leave out: "./xkd train" alone is a name, and … stands for the rest.
    private static readonly string[] Incomplete = ["is required", "Required argument missing", "Required command was not provided"];

    /// <summary>What is wrong with it; nothing where all is well.</summary>
    /// <param name="arguments">What stands after <c>xkd</c>.</param>
    /// <param name="whole">Whether what the verb requires must be there.</param>
    public IEnumerable<string> Faults(string[] arguments, bool whole)
    {
        whole &= !arguments.Any(IsEllipsis);
        string[] written = [.. Plain(arguments.Where(argument => !IsEllipsis(argument)))];
        return Alternatives(written).SelectMany(one => FaultsOfOne(one, whole)).Distinct(StringComparer.Ordinal);
    }

    private IEnumerable<string> FaultsOfOne(string[] arguments, bool whole)
    {
        var parsed = root.Parse(arguments);
        string[] errors = [.. parsed.Errors.Select(error => error.Message).Where(message => whole || !Incomplete.Any(message.Contains))];
        return errors.Length > 0 ? errors : Configuration(parsed);
    }

    // The configuration is read as the verb reads it, with what --set changes.
    private static IEnumerable<string> Configuration(ParseResult parsed)
    {
        string[] overrides = [.. Values(parsed, "--set")];
        var written = Values(parsed, "--config").Concat(Values(parsed, "--model")).FirstOrDefault(value => value.EndsWith(".yaml", StringComparison.Ordinal));
        if (written is null && overrides.Length == 0)
        {
            return [];
        }

        var path = RepositoryFiles.Find(written?.StartsWith("configs/", StringComparison.Ordinal) == true ? written : AnyConfig);
        var verb = string.Join(' ', Verbs(parsed.CommandResult));
        return File.Exists(path) ? Refusals(() => Read(verb, written is null ? null : path, overrides)) : [$"{written} is not in the repository"];
    }

    private static object Read(string verb, string? path, string[] overrides) => verb switch
    {
        "eval svm" or "features" or "export" => SvmConfig.Load(path, overrides),
        "eval linear" or "eval finetune" => ClassifierConfig.Load(path ?? RepositoryFiles.Find(AnyClassifier), overrides),
        _ => PretrainConfig.Load(path ?? RepositoryFiles.Find(AnyConfig), overrides),
    };

    private static IEnumerable<string> Refusals(Func<object> read)
    {
        try
        {
            read();
            return [];
        }
        catch (UsageException e)
        {
            return [e.Message];
        }
    }

    private static IEnumerable<string> Values(ParseResult parsed, string name)
    {
        var option = parsed.CommandResult.Command.Options.FirstOrDefault(option => option.Name == name);
        return option is null || parsed.GetResult(option) is not { } result ? [] : result.Tokens.Select(token => token.Value);
    }

    private static IEnumerable<string> Verbs(CommandResult result) => result.Parent is CommandResult parent ? Verbs(parent).Append(result.Command.Name) : [];

    // eval svm|linear is two commands.
    private static IEnumerable<string[]> Alternatives(string[] arguments)
    {
        var at = Array.FindIndex(arguments, argument => Choice().IsMatch(argument));
        return at < 0 ? [arguments] : arguments[at].Split('|').SelectMany(one => Alternatives([.. arguments[..at], one, .. arguments[(at + 1)..]]));
    }

    // [--json] may be left out, and stands for itself here. --partition auto asks a scheduler, which is not there.
    private static IEnumerable<string> Plain(IEnumerable<string> arguments)
    {
        var before = string.Empty;
        foreach (var argument in arguments)
        {
            yield return before == "--partition" && argument.StartsWith("auto", StringComparison.Ordinal) ? "1/16" : argument.Trim('[', ']');
            before = argument;
        }
    }

    private static bool IsEllipsis(string argument) => argument is "…" or "...";

    [GeneratedRegex(@"^[\w.-]+(\|[\w.-]+)+$")]
    private static partial Regex Choice();
}
