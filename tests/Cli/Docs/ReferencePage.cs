using System.Collections;
using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Help;
using System.Globalization;
using System.Text;
using Xkd.Model.Evaluation;
using Xkd.Model.Method;

namespace Xkd.Cli.Tests.Docs;

/// <summary>Writes <c>docs/reference.md</c>: every verb with its options, and every key of a configuration.</summary>
internal sealed class ReferencePage
{
    private const string Opening = """
        # Reference

        Which options does a verb take, and what does a configuration key mean?

        `tools/docs/build.sh` writes this page from the code: edit the code, not the page. `--help` of each verb and `./xkd config` show the same texts.
        Configurations: [train](#configuration-of-train), [eval svm](#configuration-of-eval-svm),
        [eval linear and eval finetune](#configuration-of-eval-linear-and-eval-finetune).

        | verb | what it does |
        |---|---|

        """;

    private readonly StringBuilder _page = new(Opening.ReplaceLineEndings("\n"));

    private ReferencePage()
    {
    }

    public static string Write(RootCommand root)
    {
        ReferencePage page = new();
        page.WriteIndex(root, "xkd");
        page.WriteVerb(root, "xkd");
        page.WriteKeys<PretrainConfig>("Configuration of train", "Keys of `configs/pretrain`, for `xkd train` and `xkd profile`.");
        page.WriteKeys<SvmConfig>("Configuration of eval svm", "Keys of `configs/eval/svm`; `--set` of `xkd features` and `xkd export` takes them, too.");
        page.WriteKeys<ClassifierConfig>("Configuration of eval linear and eval finetune", "Keys of `configs/eval/linear` and `configs/eval/finetune`.");
        return page._page.ToString();
    }

    private void WriteVerb(Command command, string path)
    {
        Option[] options = [.. Options(command)];
        if (IsPart(command))
        {
            Append($"\n## {path}\n\n{Cell(command.Description)}\n");
            WriteRows("option", [.. command.Arguments.Where(argument => !argument.Hidden).Select(Row), .. options.Select(Row)]);
        }

        foreach (var below in command.Subcommands.Where(below => !below.Hidden))
        {
            WriteVerb(below, $"{path} {below.Name}");
        }
    }

    private void WriteIndex(Command command, string path)
    {
        if (IsPart(command))
        {
            Append($"| [{path}](#{path.Replace(' ', '-')}) | {Cell(command.Description)} |\n");
        }

        foreach (var below in command.Subcommands.Where(below => !below.Hidden))
        {
            WriteIndex(below, $"{path} {below.Name}");
        }
    }

    // A group of verbs, such as eval, has nothing of its own to tell.
    private static bool IsPart(Command command) => command.Subcommands.Count == 0 || Options(command).Any();

    private static IEnumerable<Option> Options(Command command) =>
        command.Options.Where(option => !option.Hidden && option is not (HelpOption or VersionOption));

    private static string[] Row(Argument argument) =>
    [
        Code(argument.Name.ToUpperInvariant()), Takes(argument, argument.ValueType, argument.HelpName),
        argument.Arity.MinimumNumberOfValues > 0 ? "required" : Default(argument.HasDefaultValue ? argument.GetDefaultValue() : null),
        Cell(argument.Description),
    ];

    private static string[] Row(Option option) =>
    [
        string.Join(", ", option.Aliases.Prepend(option.Name).Select(Code)), Takes(option, option.ValueType, option.HelpName),
        option.Required ? "required" : Default(option.HasDefaultValue ? option.GetDefaultValue() : null), Cell(option.Description),
    ];

    private void WriteKeys<T>(string heading, string text)
        where T : class, new()
    {
        Append($"\n## {heading}\n\n{text}\n");
        WriteRows("key", [.. ConfigReference.Of<T>().Select(key => new[] { Code(key.Name), Cell(key.Type), Default(key.Default), Cell(key.Meaning) })]);
    }

    private void WriteRows(string first, IReadOnlyList<string[]> rows)
    {
        if (rows.Count == 0)
        {
            return;
        }

        Append($"\n| {first} | takes | default | meaning |\n|---|---|---|---|\n");
        foreach (var row in rows)
        {
            Append($"| {string.Join(" | ", row)} |\n");
        }
    }

    private void Append(string text) => _page.Append(text);

    private static string Takes(Symbol symbol, Type type, string? name)
    {
        type = type.IsArray ? type.GetElementType()! : Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(bool))
        {
            return string.Empty;
        }

        string[] choices = name is null ? [.. symbol.GetCompletions(CompletionContext.Empty).Select(item => item.Label)] : [];
        return name is not null ? Cell(name) : choices.Length > 0 ? string.Join(", ", choices.Select(Code))
            : type == typeof(int) || type == typeof(long) ? "whole number" : type == typeof(double) ? "number" : "text";
    }

    private static string Default(object? value)
    {
        var text = value switch
        {
            null or false => string.Empty,
            string written => written,
            IEnumerable several => string.Join(' ', several.Cast<object>()),
            _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
        };
        return text.Length > 0 ? Code(text) : string.Empty;
    }

    private static string Code(string text) => $"`{text.Replace("|", @"\|", StringComparison.Ordinal)}`";

    // A bar ends a cell, and what stands in angle brackets would be taken for HTML.
    private static string Cell(string? text) =>
        (text ?? string.Empty).ReplaceLineEndings(" ").Replace("|", @"\|", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);
}
