using System.Text.RegularExpressions;

namespace Xkd.Cli.Tests.Docs;

/// <summary>What the pages point at is there.</summary>
public sealed partial class DocumentationLinkTests
{
    private const string Pictures = "docs/images/";

    [Fact]
    public void Links_OfEveryPage_LeadSomewhere()
    {
        PageText[] links = [.. DocumentationPages.All.SelectMany(page => page.Links).Where(link => !link.Text.Contains(Pictures, StringComparison.Ordinal))];
        Assert.InRange(links.Length, 30, int.MaxValue);
        DocumentationPages.AssertNone(links.Where(link => !Leads(link)).Select(link => link.Fault("leads nowhere")));
    }

    [Fact]
    public void Pictures_OfEveryPage_AreThere()
    {
        Assert.SkipUnless(Directory.Exists(RepositoryFiles.Find(Pictures)), $"{Pictures} is not there");
        var pictures = DocumentationPages.All.SelectMany(page => page.Links).Where(link => link.Text.Contains(Pictures, StringComparison.Ordinal));
        DocumentationPages.AssertNone(pictures.Where(link => !Leads(link)).Select(link => link.Fault("is not there")));
    }

    [Fact]
    public void Files_ThatPagesName_Exist()
    {
        PageText[] named = [.. DocumentationPages.All.SelectMany(page => page.Code).Where(code => RepositoryPath().IsMatch(code.Text))];
        Assert.InRange(named.Length, 30, int.MaxValue);
        var missing = named.Where(code => !Exists(RepositoryFiles.Find(code.Text)) && !IsNew(code));
        DocumentationPages.AssertNone(missing.Select(code => code.Fault("is not in the repository")));
    }

    [Fact]
    public void Index_OfDocs_NamesEveryPage()
    {
        var linked = MarkdownPage.Load("docs/README.md").Links.Select(link => link.Text);
        var pages = Directory.GetFiles(RepositoryFiles.Find("docs"), "*.md").Select(file => Path.GetFileName(file));
        DocumentationPages.AssertNone(pages.Except(["README.md", .. linked]).Select(name => $"docs/README.md does not name {name}"));
    }

    [Fact]
    public void Anchors_OfHeadings_AreThoseOfGitHub()
    {
        MarkdownPage page = new("page.md", "# What `xkd cache` keeps, and why\n## Notes\n```bash\n# none\n```\n## Notes\n[a](b.md#c) `[d](e)` ![f](g.png)\n");
        Assert.Equal(["what-xkd-cache-keeps-and-why", "notes", "notes-1"], page.Anchors);
        Assert.Equal(["b.md#c", "g.png"], page.Links.Select(link => link.Text));
        Assert.Equal(["xkd cache", "[d](e)"], page.Code.Select(code => code.Text));
    }

    [Theory]
    [InlineData("fidelity.md", true)]
    [InlineData("fidelity.md#what-is-fed", true)]
    [InlineData("../configs", true)]
    [InlineData("https://example.org/none", true)]
    [InlineData("none.md", false)]
    [InlineData("fidelity.md#none", false)]
    [InlineData("#none", false)]
    public void Links_ToWhatIsNotThere_AreFound(string target, bool leads) => Assert.Equal(leads, Leads(new PageText("docs/fidelity.md", 1, target)));

    private static bool Leads(PageText link)
    {
        if (link.Text.Contains("://", StringComparison.Ordinal))
        {
            return true; // not ours
        }

        var (path, anchor) = link.Text.Split('#') is [var before, var after] ? (before, after) : (link.Text, null);
        var page = RepositoryFiles.Find(link.Page);
        var target = path.Length == 0 ? page : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(page)!, path));
        return Exists(target) && (anchor is null || new MarkdownPage(target, File.ReadAllText(target)).Anchors.Contains(anchor));
    }

    private static bool Exists(string path) => File.Exists(path) || Directory.Exists(path);

    // ARCHITECTURE.md tells how a loss is added, in a file that is not there yet.
    private static bool IsNew(PageText code) =>
        File.ReadLines(RepositoryFiles.Find(code.Page)).ElementAt(code.Line - 1).EndsWith("a new file:", StringComparison.Ordinal);

    // Without what stands for several: *, {a,b}, NAME, ….
    [GeneratedRegex(@"^(configs|tools|samples|docs|tests|src|bench)/[a-z_0-9./A-Z-]*[a-z]$(?<!/[A-Z]{2,}.*)")]
    private static partial Regex RepositoryPath();
}
