using System.CommandLine;
using Xkd.Cli.Commands;

namespace Xkd.Cli.Tests;

/// <summary>What every option of every verb refuses, whoever adds one.</summary>
public sealed class OptionTests(IngestedClips clips)
{
    private static readonly Type[] NumberTypes = [typeof(int), typeof(long), typeof(double)];

    public static TheoryData<string, string> NumericOptions => [.. Options().Where(o => NumberTypes.Contains(NumberOf(o.Option.ValueType))).Select(o => (o.Verb, o.Option.Name))];

    public static TheoryData<string, string> OutputOptions => [.. Options().Where(o => o.Option.Name is "--out" or "--scatter" && o.Verb != "ingest").Select(o => (o.Verb, o.Option.Name))];

    [Theory]
    [MemberData(nameof(NumericOptions))]
    public void Parse_WhatIsNoNumber_IsRefusedNamingOptionValueAndFix(string verb, string name)
    {
        (_, var command, var option) = Options().Single(o => o.Verb == verb && o.Option.Name == name);
        string[] wrong = ["8,5", "1,000", "nan", "inf", "-inf", "1e999", "99999999999999999999999999", "x", "0x10", "1 000"];
        foreach (var value in name == "--threshold" ? wrong : [.. wrong, "-1"]) // only a score may be below 0
        {
            var error = Assert.Single(ErrorsOf(command, option, value));
            Assert.StartsWith($"{name} {value}: ", error, StringComparison.Ordinal);
            Assert.Contains("write ", error, StringComparison.Ordinal);
        }

        if (NumberOf(option.ValueType) == typeof(double))
        {
            Assert.EndsWith("write 8.5", Assert.Single(ErrorsOf(command, option, "8,5")), StringComparison.Ordinal);
            Assert.Empty(ErrorsOf(command, option, "8.5"));
        }
        else
        {
            Assert.Empty(ErrorsOf(command, option, "100"));
        }
    }

    [Theory]
    [InlineData("ingest", "--memory-budget", "1,5GiB", "write 1.5GiB")]
    [InlineData("ingest", "--memory-budget", "1e999", "write a number above 0")]
    [InlineData("ingest", "--memory-budget", "nanGB", "write a number above 0")]
    [InlineData("train", "--cache-size", "-1GiB", "write a number above 0")]
    [InlineData("train", "--cache-size", "1e30TiB", "write a number above 0")]
    [InlineData("train", "--delay-stage", "read=1e300", "write a number from 0")]
    [InlineData("train", "--delay-stage", "read=nan", "write a number from 0")]
    [InlineData("train", "--delay-stage", "read=0,5", "write 0.5")]
    [InlineData("cache vacuum", "--older-than", "7,5d", "write 7.5d, or a time such as 7d")]
    [InlineData("cache vacuum", "--older-than", "-1h", "write a number from 0")]
    [InlineData("cache vacuum", "--older-than", "a week", "write a time such as 7d")]
    public void Parse_SizeOrDelayThatCannotBe_IsRefusedWithTheFix(string verb, string name, string value, string expected)
    {
        (_, var command, var option) = Options().Single(o => o.Verb == verb && o.Option.Name == name);
        Assert.Contains(expected, Assert.Single(ErrorsOf(command, option, value)), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(OutputOptions))]
    public void Parse_OutputIntoACache_IsRefused(string verb, string name)
    {
        (_, var command, var option) = Options().Single(o => o.Verb == verb && o.Option.Name == name);
        foreach (var path in new[] { Path.Combine(clips.Cache, "new"), Path.Combine(clips.Cache, "shards", "a", "new") })
        {
            Assert.Contains($"lies in the cache {clips.Cache}", Assert.Single(ErrorsOf(command, option, path)), StringComparison.Ordinal);
        }

        Assert.Single(ErrorsOf(command, option, clips.Cache)); // itself
        Assert.Empty(ErrorsOf(command, option, clips.File("new")));
    }

    private static IEnumerable<string> ErrorsOf(Command command, Option option, string value) =>
        command.Parse([option.Name, value]).Errors.Where(e => e.SymbolResult is System.CommandLine.Parsing.OptionResult { Option: var of } && of == option && !e.Message.Contains("is required", StringComparison.Ordinal)).Select(e => e.Message);

    private static Type NumberOf(Type type) => type.IsArray ? type.GetElementType()! : Nullable.GetUnderlyingType(type) ?? type;

    private static IEnumerable<(string Verb, Command Command, Option Option)> Options() => VerbList.All().SelectMany(v => Below(v, v.Name));

    private static IEnumerable<(string Verb, Command Command, Option Option)> Below(Command command, string verb) =>
        command.Options.Select(o => (verb, command, o)).Concat(command.Subcommands.SelectMany(c => Below(c, $"{verb} {c.Name}")));
}
