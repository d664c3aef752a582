using System.Buffers;
using System.Globalization;
using System.Text;

namespace Xkd.Cli.Hosting;

/// <summary>
/// Text as a terminal may have it. Names, labels and what media say of themselves may hold anything; an escape sequence in one would retitle, clear or restyle the
/// terminal, a bidirectional override would show another name. They are spelled instead: <c>\e</c>, <c>\x07</c>, <c>\u009b</c>.
/// </summary>
internal static class PrintableText
{
    private const char Escape = '\e';

    // What joins the letters of emoji and of several scripts, and shows nothing of its own.
    private const int NonJoiner = 0x200C, Joiner = 0x200D;

    /// <summary>A line, or several: those that a message lists are indented, and any other line feed is a name's.</summary>
    public static string Line(string text)
    {
        var printable = Of(text);
        if (!printable.Contains('\n', StringComparison.Ordinal))
        {
            return printable;
        }

        StringBuilder line = new();
        for (var i = 0; i < printable.Length; i++)
        {
            var ofAName = printable[i] == '\n' && !printable.AsSpan(i + 1).StartsWith("  ", StringComparison.Ordinal);
            line.Append(ofAName ? "\\n" : printable[i].ToString());
        }

        return line.ToString();
    }

    /// <summary>The text with everything spelled that is no letter, but for line feeds and tabs.</summary>
    public static string Of(ReadOnlySpan<char> text)
    {
        StringBuilder? spelled = null;
        var done = 0;
        for (int at = 0, length; at < text.Length; at += length)
        {
            var whole = Rune.DecodeFromUtf16(text[at..], out var rune, out length) == OperationStatus.Done;
            if (!whole || IsHidden(rune))
            {
                (spelled ??= new StringBuilder()).Append(text[done..at]).Append(Spelled(whole ? rune.Value : text[at]));
                done = at + length;
            }
        }

        return spelled is null ? text.ToString() : spelled.Append(text[done..]).ToString();
    }

    private static bool IsHidden(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.Control => rune.Value is not ('\n' or '\t'),
        UnicodeCategory.Format => rune.Value is not (NonJoiner or Joiner),
        UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => true,
        _ => false,
    };

    private static string Spelled(int value) => value switch
    {
        Escape => "\\e",
        <= 0x7F => string.Create(CultureInfo.InvariantCulture, $"\\x{value:x2}"),
        <= char.MaxValue => string.Create(CultureInfo.InvariantCulture, $"\\u{value:x4}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"\\U{value:x8}"),
    };
}
