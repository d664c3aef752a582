using Xkd.Cli.Tests.Docs;

namespace Xkd.Cli.Tests;

/// <summary>A clone of the last commit, in which lines of the pages are typed, and the release that three of them make.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class ReleaseClone : IAsyncLifetime
{
    private static readonly TimeSpan Most = TimeSpan.FromMinutes(30);

    private readonly string _folder = Directory.CreateTempSubdirectory("xkd-release-").FullName;
    private readonly Dictionary<string, string> _environment = new(StringComparer.Ordinal);
    private Task? _made;

    /// <summary>The clone.</summary>
    public string Checkout => this["xkd"];

    /// <summary>What <c>tools/release/build.sh</c> wrote.</summary>
    public string Release => Path.Combine(Checkout, "out", "release");

    /// <summary>NuGet's folder on this machine.</summary>
    public static string Packages => Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } folder
        ? folder
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public string this[string name] => Path.Combine(_folder, name);

    public async ValueTask InitializeAsync()
    {
        foreach (var name in new[] { "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL" })
        {
            _environment[name] = "nobody@example.org";
        }

        Directory.CreateDirectory(this["home"]);
        _environment["TMPDIR"] = Directory.CreateDirectory(this["tmp"]).FullName;
        await DoneAsync("git", ["clone", "--quiet", RepositoryFiles.Find(), Checkout]);
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    /// <summary>Skips the test where a program is missing or a root of another system cannot be made.</summary>
    public static void Require(params string[] programs)
    {
        var places = (Environment.GetEnvironmentVariable("PATH") + ":/usr/sbin:/sbin").Split(':');
        string[] missing = [.. programs.Where(program => !places.Any(place => File.Exists(Path.Combine(place, program))))];
        Assert.SkipWhen(missing.Length > 0, $"{string.Join(", ", missing)} missing: apt-get install {string.Join(' ', missing)}");
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "roots and images of other systems need root: sudo ./xkd test release");
    }

    /// <summary>Makes the release, once: the three lines of the page, in their order.</summary>
    public Task MakeAsync() => _made ??= MakeOnceAsync();

    /// <summary>The block of lines that has one which begins so; in the clone, where <c>version.sh</c> writes the pages anew.</summary>
    internal PageText[] Block(string page, string begin)
    {
        var lines = Page(page).Shell;
        var first = Line(page, begin).Line;
        while (lines.Any(line => line.Line == first - 1))
        {
            first--;
        }

        return [.. lines.SkipWhile(line => line.Line < first).Index().TakeWhile(one => one.Item.Line == first + one.Index).Select(one => one.Item)];
    }

    /// <summary>The line that begins so, of a block or within the text.</summary>
    internal PageText Line(string page, string begin) =>
        Page(page).Shell.Concat(Page(page).Code).Single(line => line.Text.StartsWith(begin, StringComparison.Ordinal));

    /// <summary>Types a line: its words that stand for others exchanged, more behind it.</summary>
    internal async Task<string> TypeAsync(PageText line, (string Page, string Here)[]? standIns = null, string more = "", string? folder = null)
    {
        var typed = (standIns ?? []).Aggregate(line.Text.Split(" #")[0].TrimEnd(), (text, one) => text.Replace(one.Page, one.Here, StringComparison.Ordinal));
        var outcome = await XkdProcess.StartAsync("bash", ["-c", $"{typed} {more}"], _environment, folder ?? Checkout, Most);
        Assert.True(outcome.ExitCode == 0, line.Fault($"exit code {outcome.ExitCode} of: {typed} {more}\n{outcome.Output}{outcome.Error}"));
        return outcome.Output;
    }

    internal async Task<string> DoneAsync(string program, string[] arguments, string? folder = null)
    {
        var outcome = await XkdProcess.StartAsync(program, arguments, _environment, folder ?? _folder, Most);
        Assert.True(outcome.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: exit code {outcome.ExitCode}\n{outcome.Output}{outcome.Error}");
        return outcome.Output.Trim();
    }

    private async Task MakeOnceAsync()
    {
        foreach (var line in Block("docs/install.md", "tools/release/version.sh"))
        {
            await TypeAsync(line);
        }
    }

    private MarkdownPage Page(string name) => new(name, File.ReadAllText(Path.Combine(Checkout, name)));
}
