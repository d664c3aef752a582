using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;

namespace Xkd.Cli.Hosting;

/// <summary>
/// Where a command's words go. With <c>--json</c> stdout holds exactly one JSON object and everything else is on stderr; with <c>--quiet</c> there is
/// only the result.
/// </summary>
internal sealed class Terminal(bool json, bool quiet = false)
{
    private static readonly JsonSerializerOptions JsonOptions = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DictionaryKeyPolicy = null,
        WriteIndented = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) },
    };

    private int _drawn;

    /// <summary>As a command line asks for it.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="json">The verb's <c>--json</c>; null where it has none.</param>
    public static Terminal Of(ParseResult parsed, Option<bool>? json = null) =>
        new(json is not null && parsed.GetValue(json), parsed.GetValue(CommonOptions.Quiet));

    public bool Json => json;

    /// <summary>A person is watching: bars that redraw are welcome.</summary>
    public bool IsInteractive => !json && !quiet && !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Ansi;

    /// <summary>What is said on the way, which <c>--quiet</c> leaves out.</summary>
    public void Line(string text)
    {
        if (!quiet)
        {
            Write(PrintableText.Line(text));
        }
    }

    /// <summary>What the command was asked for; in its place <c>--json</c> has the object.</summary>
    public void Result(string text)
    {
        if (!(json && quiet))
        {
            Write(PrintableText.Line(text));
        }
    }

    /// <summary>A result that is good or bad.</summary>
    public void Check(bool ok, string text)
    {
        Erase();
        var raw = json ? PrintableWriter.RawError : PrintableWriter.Raw;
        var word = ok ? "ok  " : "FAIL";
        if (!(json && quiet))
        {
            raw.WriteLine($"{(json ? word : Colours.Output(ok ? Colours.Green : Colours.Red, word))} {PrintableText.Line(text)}");
        }
    }

    /// <summary>What a person does next; the last words of a command.</summary>
    public void Next(params string[] commands)
    {
        foreach (var command in quiet ? [] : commands)
        {
            Erase();
            PrintableWriter.RawError.WriteLine(Colours.Error(Colours.Dim, $"next: {PrintableText.Line(command)}"));
        }
    }

    /// <summary>Draws a line over the one drawn before, on a terminal.</summary>
    public void Draw(string text)
    {
        Erase();
        var width = Math.Max(20, AnsiConsole.Profile.Width - 1);
        text = PrintableText.Line(text);
        text = text.Length > width ? text[..width] : text;
        PrintableWriter.Raw.Write(text);
        _drawn = text.Length;
    }

    /// <summary>Asks a person who sits at a terminal; a script has meant what it says.</summary>
    public bool Confirm(Func<string> question)
    {
        if (json || Console.IsInputRedirected || Console.IsOutputRedirected)
        {
            return true;
        }

        Console.Out.Write(PrintableText.Line(question()) + " [y/N] ");
        return Console.ReadLine()?.Trim() is "y" or "Y" or "yes";
    }

    /// <summary>What a person must be told beside the result.</summary>
    public static void Warn(IEnumerable<string> warnings)
    {
        foreach (var warning in warnings)
        {
            Console.Error.WriteLine(PrintableText.Line($"xkd: {warning}"));
        }
    }

    /// <summary>Why a command ends without a result.</summary>
    public static void Error(string text) => PrintableWriter.RawError.WriteLine($"{Colours.Error(Colours.Red, "xkd:")} {PrintableText.Line(text)}");

    /// <summary>The command's result, as an object that carries <c>schema</c>.</summary>
    public static void WriteJson(object result) => Console.Out.WriteLine(JsonSerializer.Serialize(result, JsonOptions));

    private void Write(string text)
    {
        Erase();
        (json ? Console.Error : Console.Out).WriteLine(text);
    }

    private void Erase()
    {
        if (_drawn > 0)
        {
            PrintableWriter.Raw.Write($"\r{new string(' ', _drawn)}\r");
            _drawn = 0;
        }
    }
}
