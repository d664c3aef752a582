using System.CommandLine;
using System.CommandLine.Parsing;
using System.Numerics;
using Xkd.Model.Method;

namespace Xkd.Cli.Hosting;

/// <summary>Options that are numbers: each says what it takes, and reads it as a configuration does.</summary>
internal static class Numbers
{
    /// <summary>A number with a default.</summary>
    public static Option<T> Option<T>(string name, string description, NumberRange range, T value)
        where T : struct, INumber<T> => new(name) { Description = description, DefaultValueFactory = _ => value, CustomParser = result => Read<T>(result, range, result.Tokens[0]) };

    /// <summary>A number, or none.</summary>
    public static Option<T?> Optional<T>(string name, string description, NumberRange range)
        where T : struct, INumber<T> => new(name) { Description = description, CustomParser = result => result.Tokens.Count == 0 ? null : Read<T>(result, range, result.Tokens[0]) };

    /// <summary>Any number of them.</summary>
    public static Option<T[]> Several<T>(string name, string description, NumberRange range)
        where T : struct, INumber<T> => new(name)
        {
            Description = description, AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [], CustomParser = result => [.. result.Tokens.Select(t => Read<T>(result, range, t))],
        };

    private static T Read<T>(ArgumentResult result, NumberRange range, Token token)
        where T : struct, INumber<T>
    {
        if (!range.TryRead(token.Value, out T value, out var fix))
        {
            result.AddError($"{result.Argument.Name} {token.Value}: {fix}");
        }

        return value;
    }
}
