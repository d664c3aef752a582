namespace Xkd.Cli.Hosting;

/// <summary>Colour of a word, where a person sees it: never in a file or a pipe, nor where NO_COLOR is set (no-color.org).</summary>
internal static class Colours
{
    private const string Plain = "\e[0m";

    public const string Red = "\e[31m", Green = "\e[32m", Dim = "\e[2m";

    /// <summary>The text in a colour of standard output, or as it is.</summary>
    public static string Output(string colour, string text) => Of(colour, text, Console.IsOutputRedirected);

    /// <summary>The text in a colour of standard error, or as it is.</summary>
    public static string Error(string colour, string text) => Of(colour, text, Console.IsErrorRedirected);

    private static string Of(string colour, string text, bool redirected) => Wanted(redirected, Environment.GetEnvironmentVariable) ? colour + text + Plain : text;

    internal static bool Wanted(bool redirected, Func<string, string?> environment) =>
        !redirected && string.IsNullOrEmpty(environment("NO_COLOR")) && environment("TERM") is { Length: > 0 } and not "dumb";
}
