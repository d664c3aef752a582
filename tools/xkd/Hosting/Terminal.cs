using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;

namespace Xkd.Cli.Hosting;

/// <summary>
/// Where a command's words go. With <c>--json</c> stdout holds exactly one JSON object and everything else is on stderr.
/// </summary>
internal sealed class Terminal(bool json)
{
    private static readonly JsonSerializerOptions JsonOptions = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DictionaryKeyPolicy = null,
        WriteIndented = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) },
    };

    private readonly TextWriter _log = json ? Console.Error : Console.Out;

    public bool Json => json;

    /// <summary>A person is watching: bars that redraw are welcome.</summary>
    public bool IsInteractive => !json && !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Ansi;

    public void Line(string text) => _log.WriteLine(PrintableText.Line(text));

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

    /// <summary>The command's result, as an object that carries <c>schema</c>.</summary>
    public static void WriteJson(object result) => Console.Out.WriteLine(JsonSerializer.Serialize(result, JsonOptions));
}
