using System.Text;
using Spectre.Console;

namespace Xkd.Cli.Hosting;

/// <summary>Standard output or standard error, where every verb's words pass on their way out, so that none of them has to think of <see cref="PrintableText"/>.</summary>
internal sealed class PrintableWriter(TextWriter inner) : TextWriter
{
    private static TextWriter? _output, _error;

    /// <summary>Standard output as it is, for what draws on a terminal.</summary>
    public static TextWriter Raw => _output ?? Console.Out;

    /// <summary>Standard error as it is.</summary>
    public static TextWriter RawError => _error ?? Console.Error;

    public override Encoding Encoding => inner.Encoding;

    /// <summary>Puts itself in place of both, once.</summary>
    public static void Install()
    {
        if (_output is not null)
        {
            return;
        }

        if (!Console.IsOutputRedirected)
        {
            _ = AnsiConsole.Profile; // takes what is standard output now: its panels are made of escape sequences
        }

        (_output, _error) = (Console.Out, Console.Error);
        Console.SetOut(new PrintableWriter(_output));
        Console.SetError(new PrintableWriter(_error));
    }

    public override void Write(char value) => Write([value]);

    public override void Write(string? value) => Write(value.AsSpan());

    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    public override void Write(ReadOnlySpan<char> buffer) => inner.Write(PrintableText.Of(buffer));

    public override void WriteLine(string? value) => inner.WriteLine(PrintableText.Of(value));

    public override void Flush() => inner.Flush();
}
