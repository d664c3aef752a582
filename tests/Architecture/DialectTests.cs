using System.Diagnostics;

namespace Xkd.Architecture.Tests;

/// <summary>One dialect: what the build does not hold itself (var, braces, unused imports) is how the text is laid out.</summary>
public sealed class DialectTests
{
    [Fact]
    public async Task Sources_AreLaidOut_AsTheEditorConfigSays()
    {
        var (exitCode, output) = await VerifyAsync(DependencyRuleTests.Root, "src", "samples", "tools", "tests");
        Assert.True(exitCode == 0, $"type: dotnet format whitespace . --folder\n{output}");
    }

    [Fact]
    public async Task Sources_LaidOutOtherwise_AreSeen()
    {
        var folder = Directory.CreateTempSubdirectory("xkd-dialect-").FullName;
        try
        {
            File.Copy(Path.Combine(DependencyRuleTests.Root, ".editorconfig"), Path.Combine(folder, ".editorconfig"));
            await File.WriteAllTextAsync(Path.Combine(folder, "A.cs"), "class A {\n  int b;\n}\n", TestContext.Current.CancellationToken);
            var (exitCode, output) = await VerifyAsync(folder);
            Assert.NotEqual(0, exitCode);
            Assert.Contains("A.cs(1,", output, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<(int ExitCode, string Output)> VerifyAsync(string folder, params string[] parts)
    {
        string[] include = parts.Length == 0 ? [] : ["--include", .. parts];
        ProcessStartInfo start = new("dotnet", ["format", "whitespace", folder, "--folder", "--verify-no-changes", .. include])
        {
            WorkingDirectory = folder, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output + await errors);
    }
}
