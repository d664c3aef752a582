using System.Text.Json;
using System.Text.RegularExpressions;

namespace Xkd.Pipeline.Tests;

/// <summary>A page's text taken apart: what is markup, and the data of its charts.</summary>
internal static partial class HtmlPage
{
    /// <summary>The page without what stands in its scripts and styles.</summary>
    public static string Markup(string page) => Scripts().Replace(page, "${start}${end}");

    public static JsonElement[] Charts(string page) =>
        [.. ChartData().Matches(page).Select(match => JsonDocument.Parse(match.Groups["content"].Value).RootElement)];

    /// <summary>Addresses that the page loads or leads to.</summary>
    public static string[] Addresses(string page) => [.. Links().Matches(Markup(page)).Select(match => match.Groups["content"].Value)];

    [GeneratedRegex("(?<start><(script|style)[^>]*>).*?(?<end></(script|style)>)", RegexOptions.Singleline | RegexOptions.ExplicitCapture)]
    private static partial Regex Scripts();

    [GeneratedRegex("<script type=\"application/json\">(?<content>.*?)</script>", RegexOptions.Singleline | RegexOptions.ExplicitCapture)]
    private static partial Regex ChartData();

    [GeneratedRegex("\\b(src|href|poster|action)=\"?(?<content>[^\" >]*)", RegexOptions.ExplicitCapture)]
    private static partial Regex Links();
}
