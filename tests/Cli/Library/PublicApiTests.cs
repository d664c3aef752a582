using System.Reflection;
using PublicApiGenerator;

namespace Xkd.Cli.Tests;

/// <summary>What the libraries offer is written down beside each, so that a change of it is seen, and by SemVer decides which version comes next.</summary>
public sealed class PublicApiTests
{
    // What the compiler adds to async iterators names its own classes.
    private static readonly ApiGeneratorOptions Options = new()
    {
        IncludeAssemblyAttributes = false,
        ExcludeAttributes = ["System.Runtime.CompilerServices.AsyncIteratorStateMachineAttribute", "System.Runtime.CompilerServices.EnumeratorCancellationAttribute"],
    };

    [Theory]
    [InlineData("Storage")]
    [InlineData("Pipeline")]
    [InlineData("Ingest")]
    [InlineData("Model")]
    public void PublicApi_OfALibrary_IsWhatIsWrittenDown(string library)
    {
        var path = RepositoryFiles.Find("src", library, "PublicApi.txt");
        var text = Assembly.Load($"Xkd.{library}").GeneratePublicApi(Options).ReplaceLineEndings("\n") + "\n";
        if (Environment.GetEnvironmentVariable("XKD_TEST_REFERENCE") == "write")
        {
            File.WriteAllText(path, text);
        }

        Assert.True(File.Exists(path), $"{path} is missing; type: tools/docs/build.sh");
        var (written, now) = (Members(File.ReadAllText(path)), Members(text));
        Assert.True(written.SequenceEqual(now),
            $"what Xkd.{library} offers has changed; if that is meant, type tools/docs/build.sh and say so in CHANGELOG.md\n"
            + $"gone:\n{string.Join('\n', written.Except(now))}\nnew:\n{string.Join('\n', now.Except(written))}");
    }

    private static string[] Members(string text) => [.. text.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0)];
}
