using System.Text.RegularExpressions;

namespace Xkd.Cli.Tests.Docs;

/// <summary>A page of documentation: what of it can be checked.</summary>
internal sealed partial class MarkdownPage
{
    private const string Fence = "```";

    private readonly List<PageText> _code = [];
    private readonly List<PageText> _shell = [];
    private readonly List<PageText> _links = [];
    private readonly Dictionary<string, int> _anchors = new(StringComparer.Ordinal);

    /// <param name="name">Path within the repository.</param>
    /// <param name="text">Markdown.</param>
    public MarkdownPage(string name, string text)
    {
        Name = name;
        string? language = null;
        foreach ((var index, var line) in text.Split('\n').Index())
        {
            if (line.StartsWith(Fence, StringComparison.Ordinal))
            {
                language = language is null ? line[Fence.Length..].Trim() : null;
            }
            else if (language is null)
            {
                Read(line, index + 1);
            }
            else if (language == "bash")
            {
                _shell.Add(new PageText(name, index + 1, line));
            }
        }
    }

    public string Name { get; }

    /// <summary>Inline code, without its backticks.</summary>
    public IReadOnlyList<PageText> Code => _code;

    /// <summary>Lines of blocks marked as bash.</summary>
    public IReadOnlyList<PageText> Shell => _shell;

    /// <summary>Targets of links and pictures.</summary>
    public IReadOnlyList<PageText> Links => _links;

    /// <summary>What a link may name after <c>#</c>.</summary>
    public IReadOnlyCollection<string> Anchors => _anchors.Keys;

    public static MarkdownPage Load(string name) => new(name, File.ReadAllText(RepositoryFiles.Find(name)));

    private void Read(string line, int number)
    {
        if (line.StartsWith('#'))
        {
            AddAnchor(line.TrimStart('#'));
        }

        // In a table a bar within code is escaped.
        var code = InlineCode().Matches(line).Select(match => match.Groups["code"].Value.Replace(@"\|", "|", StringComparison.Ordinal));
        _code.AddRange(code.Select(text => new PageText(Name, number, text)));
        _links.AddRange(Link().Matches(InlineCode().Replace(line, "code")).Select(match => new PageText(Name, number, match.Groups["target"].Value)));
    }

    // As GitHub makes them: letters, digits, hyphens and underscores; a repeated one is numbered.
    private void AddAnchor(string heading)
    {
        var anchor = NotInAnchors().Replace(heading.Trim().ToLowerInvariant(), string.Empty).Replace(' ', '-');
        var copies = _anchors.GetValueOrDefault(anchor);
        _anchors[anchor] = copies + 1;
        if (copies > 0)
        {
            _anchors[$"{anchor}-{copies}"] = 1;
        }
    }

    [GeneratedRegex("`(?<code>[^`]+)`")]
    private static partial Regex InlineCode();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"[^\p{L}\p{N} _-]")]
    private static partial Regex NotInAnchors();
}
