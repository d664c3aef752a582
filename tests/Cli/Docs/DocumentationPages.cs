namespace Xkd.Cli.Tests.Docs;

/// <summary>The pages that speak to users and contributors.</summary>
internal static class DocumentationPages
{
    public static IReadOnlyList<MarkdownPage> All { get; } = [.. Names().Select(MarkdownPage.Load)];

    /// <summary>Fails with every fault, a line each.</summary>
    public static void AssertNone(IEnumerable<string> faults)
    {
        var lines = string.Join('\n', faults);
        Assert.True(lines.Length == 0, lines);
    }

    private static IEnumerable<string> Names() =>
        [
            "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "THIRD-PARTY.md", "bench/results/README.md",
            .. Directory.GetFiles(RepositoryFiles.Find("docs"), "*.md").Select(file => $"docs/{Path.GetFileName(file)}").Order(StringComparer.Ordinal),
        ];
}
