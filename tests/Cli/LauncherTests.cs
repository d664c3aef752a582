using System.Diagnostics;
using System.Runtime.Versioning;

namespace Xkd.Cli.Tests;

/// <summary>The script at the root, with a stand-in for the SDK: several ranks start at once, and one of them builds.</summary>
[SupportedOSPlatform("linux")]
public sealed class LauncherTests : IDisposable
{
    private const int Starts = 4;

    private readonly string _root = Directory.CreateTempSubdirectory("xkd-launcher-").FullName;

    public LauncherTests()
    {
        foreach (var folder in new[] { "src", "tools/xkd", "configs", "sdk" })
        {
            Directory.CreateDirectory(Path.Combine(_root, folder));
        }

        Array.ForEach(["Directory.Build.props", "Directory.Packages.props"], name => File.WriteAllText(Path.Combine(_root, name), "<Project/>"));

        // Notes each build, and whether another was under way; with a planted fault it stays until a second one has begun.
        WriteProgram("sdk/dotnet", """
            #!/bin/sh
            cd "$(dirname "$0")/.."
            mkdir building 2>/dev/null || echo overlap >> overlaps
            echo build >> builds
            if [ -n "$STAY" ]; then until [ "$(wc -l < builds)" -ge 2 ]; do sleep 0.02; done; fi
            mkdir -p tools/xkd/bin/Release/net10.0/linux-x64
            printf '#!/bin/sh\necho ran\n' > tools/xkd/bin/Release/net10.0/linux-x64/xkd
            chmod +x tools/xkd/bin/Release/net10.0/linux-x64/xkd
            rmdir building 2>/dev/null || true
            """);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Launcher_SeveralStartedAtOnce_OneBuildsAndAllRun()
    {
        File.Copy(RepositoryFiles.Find("xkd"), Path.Combine(_root, "xkd"));
        var outputs = await Task.WhenAll(Enumerable.Range(0, Starts).Select(_ => StartAsync(stay: false)));
        Assert.All(outputs, output => Assert.Equal("ran", output.Trim()));
        Assert.Equal("build", (await File.ReadAllTextAsync(Path.Combine(_root, "builds"), TestContext.Current.CancellationToken)).Trim());
        Assert.False(File.Exists(Path.Combine(_root, "overlaps")));
    }

    [Fact]
    public async Task Launcher_WithoutItsLock_BuildsTwiceAtOnce()
    {
        var script = await File.ReadAllTextAsync(RepositoryFiles.Find("xkd"), TestContext.Current.CancellationToken);
        Assert.Contains("  flock 9\n", script);
        WriteProgram("xkd", script.Replace("  flock 9\n", string.Empty, StringComparison.Ordinal));
        await Task.WhenAll(StartAsync(stay: true), StartAsync(stay: true));
        Assert.True(File.Exists(Path.Combine(_root, "overlaps")), "two builds ran side by side, and nobody noticed");
    }

    [Theory]
    [InlineData(false, "has to build it once")]
    [InlineData(true, "or run what is built: ")]
    public async Task Launcher_NewerThanWhatIsBuiltAndNotToBeWritten_SaysInOneLineWhatToDo(bool built, string expected)
    {
        File.Copy(RepositoryFiles.Find("xkd"), Path.Combine(_root, "xkd"));
        if (built)
        {
            await StartAsync(stay: false);
            Directory.Delete(Path.Combine(_root, ".build"), recursive: true);
        }

        await File.WriteAllTextAsync(Path.Combine(_root, ".build"), "nobody can make a folder of this name, not even root", TestContext.Current.CancellationToken);
        var outcome = await XkdProcess.StartAsync("bash", [Path.Combine(_root, "xkd"), "doctor"]);
        Assert.Equal(1, outcome.ExitCode);
        Assert.Matches($"^xkd: {_root} is newer than what is built of it, and .* cannot write there: .* has to build it once .*\n$", outcome.Error);
        Assert.Contains(expected, outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("test --help", "./xkd test [AREA]")]
    [InlineData("help test", "Areas: architecture storage pipeline ingest model cli cluster release")]
    [InlineData("experiment --help", "  avdigits\n")]
    [InlineData("experiment", "  avdigits\n")]
    public async Task Launcher_HelpOfItsOwnVerbs_BuildsNothing(string line, string expected)
    {
        File.Copy(RepositoryFiles.Find("xkd"), Path.Combine(_root, "xkd"));
        Directory.CreateDirectory(Path.Combine(_root, "tools", "experiments", "avdigits"));
        var outcome = await XkdProcess.StartAsync("bash", [Path.Combine(_root, "xkd"), .. line.Split(' ')]);
        Assert.Equal((0, string.Empty), (outcome.ExitCode, outcome.Error));
        Assert.Contains(expected, outcome.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_root, ".build")));
    }

    private async Task<string> StartAsync(bool stay)
    {
        ProcessStartInfo start = new("bash", [Path.Combine(_root, "xkd"), "train"]) { UseShellExecute = false, RedirectStandardOutput = true };
        start.Environment["PATH"] = $"{Path.Combine(_root, "sdk")}:{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["STAY"] = stay ? "yes" : string.Empty;
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return output;
    }

    private void WriteProgram(string name, string text)
    {
        File.WriteAllText(Path.Combine(_root, name), text);
        File.SetUnixFileMode(Path.Combine(_root, name), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
