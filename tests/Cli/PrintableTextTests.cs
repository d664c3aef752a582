using Xkd.Cli.Hosting;

namespace Xkd.Cli.Tests;

public sealed class PrintableTextTests
{
    [Theory]
    [InlineData("plain, ünïcode, 日本語, 👩\u200D🚀, نمی\u200Cخواهم\tand a tab", "plain, ünïcode, 日本語, 👩\u200D🚀, نمی\u200Cخواهم\tand a tab")]
    [InlineData("\e]0;owned\a\e[31mred", "\\e]0;owned\\x07\\e[31mred")]
    [InlineData("a\rb\bc\0d\x7f", "a\\x0db\\x08c\\x00d\\x7f")]
    [InlineData("\u009b31m\u0085", "\\u009b31m\\u0085")]
    [InlineData("\u202egnp.exe\u2066x\u2069\u200f\u061c", "\\u202egnp.exe\\u2066x\\u2069\\u200f\\u061c")]
    [InlineData("\u2028\u2029\ufeff", "\\u2028\\u2029\\ufeff")]
    [InlineData("tag \U000E0041", "tag \\U000e0041")]
    [InlineData("two\nlines", "two\\nlines")]
    [InlineData("errors:\n  one\n  two", "errors:\n  one\n  two")]
    public void Line_AnyText_HoldsNothingThatATerminalObeys(string text, string shown) => Assert.Equal(shown, PrintableText.Line(text));

    [Fact]
    public void Line_HalvesOfSurrogates_AreSpelled() =>
        Assert.Equal("a\\ud800b\\udc00 👍", PrintableText.Line("a\ud800b\udc00 👍"));

    [Fact]
    public void Write_ByWhateverWay_IsSpelled()
    {
        using StringWriter shown = new();
        using PrintableWriter writer = new(shown);
        writer.Write('\e');
        writer.Write("\e");
        writer.Write(new[] { '\e', 'x' }, 0, 2);
        writer.Write("{0}", "\e");
        writer.WriteLine("\e");
        writer.WriteLine((object)"\e");
        Assert.Equal("\\e\\e\\ex\\e\\e\n\\e\n", shown.ToString());
    }
}
