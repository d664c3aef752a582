namespace Xkd.Cli.Tests;

/// <summary>
/// A release of the last commit, made and tried by the lines that docs/install.md prints; and lines of other pages that want root and minutes. Not of the plain
/// <c>./xkd test</c>.
/// </summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class ReleaseTests(ReleaseClone clone) : IClassFixture<ReleaseClone>
{
    private const string Page = "docs/install.md";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Release_OfThePagesThreeLines_IsTaggedAndWhole()
    {
        if ((await clone.DoneAsync("git", ["status", "--porcelain"], RepositoryFiles.Find())).Length > 0)
        {
            TestContext.Current.AddWarning("what is not committed is left out of the release");
        }

        await clone.MakeAsync();
        var tag = await clone.DoneAsync("git", ["describe", "--tags", "--exact-match"], clone.Checkout);
        Assert.True(File.Exists(Path.Combine(clone.Release, $"xkd-{tag[1..]}-linux-x64.tar.gz")), tag);
        await clone.DoneAsync("sha256sum", ["--check", "--quiet", "SHA256SUMS"], clone.Release);
        Assert.Equal("", await clone.DoneAsync("git", ["status", "--porcelain"], clone.Checkout));
    }

    [Fact]
    public async Task Program_InAnEmptyRoot_IsInstalledAsThePageSays()
    {
        ReleaseClone.Require("mmdebstrap");
        await clone.MakeAsync();
        var lines = clone.Block(Page, "apt-get install");
        await File.WriteAllLinesAsync(clone["lines"], ["set -ex", "cd /root", .. lines.Select(line => line.Text)], Ct);
        var archive = Path.Combine(clone.Release, lines.Single(line => line.Text.StartsWith("tar ", StringComparison.Ordinal)).Text.Split(' ')[2]);
        string[] hook =
        [
            $"cp -t \"$1/root\" {archive} {clone["lines"]}",
            "mkdir -p \"$1/etc/ssl/certs\"", "cp /etc/ssl/certs/ca-certificates.crt \"$1/etc/ssl/certs\"", // as this machine reaches the feed
            $"chroot \"$1\" env -i HOME=/root PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive bash /root/lines >{clone["said"]}",
        ];
        string[] root = ["--mode=root", "--variant=apt", "--format=null", "--aptopt=APT::Get::Assume-Yes \"true\""];
        await clone.DoneAsync("mmdebstrap", [.. root, $"--customize-hook={string.Join(" && ", hook)}", "bookworm"]);
        Assert.Contains("report.html", await File.ReadAllTextAsync(clone["said"], Ct), StringComparison.Ordinal); // of the demo
    }

    [Fact]
    public async Task Tool_InstalledFromTheRelease_WorksFromEndToEnd()
    {
        await clone.MakeAsync();
        await clone.TypeAsync(clone.Line(Page, "dotnet tool install xkd"), [("FOLDER", clone.Release), ("dotnet", $"HOME={clone["home"]} dotnet")]);
        var tried = await clone.TypeAsync(clone.Line(Page, "tools/release/try.sh xkd"), [("tools/", $"PATH={clone["home"]}/.dotnet/tools:$PATH tools/")]);
        Assert.Contains("all of it worked", tried, StringComparison.Ordinal);
    }

    /// <summary>No registry is asked: the script builds on roots what these lines build on images of these names, and runs it as another user.</summary>
    [Fact]
    public async Task Images_OnRootsInPlaceOfARegistry_Work()
    {
        ReleaseClone.Require("mmdebstrap", "buildah", "unzip");
        await clone.MakeAsync();
        var file = await File.ReadAllTextAsync(Path.Combine(clone.Release, "Dockerfile"), Ct);
        foreach (var line in clone.Block(Page, "docker build -t xkd FOLDER").Where(line => line.Text.Contains("BASE=", StringComparison.Ordinal)))
        {
            Assert.Contains(line.Text.Split(' ').Single(word => word.StartsWith("BASE=", StringComparison.Ordinal)), file, StringComparison.Ordinal);
        }

        var package = clone.Line(Page, "libtorch-cpu-linux-x64").Text;
        var here = Assert.Single(Directory.GetFiles(Path.Combine(ReleaseClone.Packages, "libtorch-cpu-linux-x64"), package, SearchOption.AllDirectories));
        File.Copy(here, Path.Combine(clone.Release, package), overwrite: true);
        Assert.Contains("all of them work", await clone.TypeAsync(clone.Line(Page, "tools/release/images.sh")), StringComparison.Ordinal);
    }

    /// <summary>The release that is there, and a build of the clone; every test of it in such a root takes an hour.</summary>
    [Theory]
    [InlineData(Page, "tools/distros/check.sh --only program", "--release out/release", 8)]
    [InlineData("docs/guide.md", "tools/distros/check.sh bookworm trixie", "--only demo", 4)]
    public async Task Distros_OfThePage_RunIt(string page, string begin, string more, int column)
    {
        ReleaseClone.Require("mmdebstrap", "unshare");
        await clone.MakeAsync();
        var table = await clone.TypeAsync(clone.Line(page, begin), more: $"{more} --roots {clone["roots"]}");
        string[] rows = [.. table.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1)];
        Assert.Equal(["bookworm", "trixie"], rows.Select(row => row.Split(' ')[0]));
        Assert.All(rows, row => Assert.Equal("passed", row.Split(' ', StringSplitOptions.RemoveEmptyEntries)[column]));
    }

    [Fact]
    public async Task Packages_OfTheProgram_HaveNoKnownVulnerability()
    {
        var said = await clone.TypeAsync(clone.Line(Page, "dotnet list"));
        Assert.DoesNotContain("has the following vulnerable packages", said, StringComparison.Ordinal);
        if (!said.Contains("has no vulnerable packages", StringComparison.Ordinal))
        {
            TestContext.Current.AddWarning("this feed tells nothing of vulnerabilities");
        }
    }

    [Fact]
    public async Task LockFiles_WrittenAgain_AreTheSame()
    {
        foreach (var line in clone.Block("CONTRIBUTING.md", "dotnet restore XKD.sln"))
        {
            await clone.TypeAsync(line);
        }

        Assert.Equal("", await clone.DoneAsync("git", ["status", "--porcelain"], clone.Checkout));
    }

    /// <summary>On the CPU, where the bundle does every part at a tiny size; then in a root that has nothing else.</summary>
    [Fact]
    public async Task Bundle_OfTheGpuPage_RunsEveryPart()
    {
        const string Gpu = "docs/gpu.md";
        ReleaseClone.Require("chroot");
        await clone.TypeAsync(clone.Line(Gpu, "tools/gpu/bundle.sh"));
        var bundle = Path.Combine(clone.Checkout, "out", "bundle", "xkd-gpu.tar.gz");
        var there = Directory.CreateDirectory(clone["gpu"]).FullName;
        File.Copy(bundle, Path.Combine(there, "xkd-gpu.tar.gz"));
        var libtorch = Path.Combine(ReleaseClone.Packages, "libtorch-cpu-linux-x64", "2.10.0", "runtimes", "linux-x64", "native");
        foreach (var line in clone.Block(Gpu, "tar xzf xkd-gpu"))
        {
            var runs = line.Text.StartsWith("xkd-gpu/run.sh", StringComparison.Ordinal);
            await clone.TypeAsync(line, [("xkd-gpu/", $"XKD_LIBTORCH={libtorch} xkd-gpu/")], runs ? "--device cpu" : "", there);
        }

        var said = await clone.TypeAsync(clone.Line(Gpu, "tools/gpu/check.sh"), [("BUNDLE", bundle), ("LIBTORCH", libtorch)]);
        Assert.Contains("both calls ran in a bare root", said, StringComparison.Ordinal);
    }
}
