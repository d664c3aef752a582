namespace Xkd.Cli.Tests.Docs;

/// <summary>A piece of a page, and where it stands.</summary>
internal sealed record PageText(string Page, int Line, string Text)
{
    public string Fault(string what) => $"{Page}:{Line}: {Text}: {what}";
}
