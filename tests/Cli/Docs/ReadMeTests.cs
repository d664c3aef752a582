using Xkd.Storage;

namespace Xkd.Cli.Tests.Docs;

/// <summary>The first page: short, and true.</summary>
public sealed class ReadMeTests : IDisposable
{
    private const int MostWords = 900;

    private readonly MediaMaker _media = new();

    public void Dispose() => _media.Dispose();

    [Fact]
    public void ReadMe_IsReadInMinutes()
    {
        var words = File.ReadAllText(RepositoryFiles.Find("README.md")).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;
        Assert.InRange(words, 1, MostWords);
    }

    /// <summary>As they stand there, on two classes of clips; what is appended makes them short.</summary>
    [Fact]
    public async Task ReadMe_ItsFourCommands_LeadFromVideosToATable()
    {
        Dictionary<string, string[]> shorter = new(StringComparer.Ordinal)
        {
            ["ingest"] = ["--short-side", "64"],
            ["train"] = ["--set", "batch=4", "--set", "optim.epochs=1", "--set", "optim.warmup_epochs=0"],
            ["eval"] = ["--smoke"],
            ["features"] = [],
        };
        Directory.CreateSymbolicLink(_media["configs"], RepositoryFiles.Find("configs"));
        foreach (var name in new[] { "a", "b" })
        {
            for (var i = 0; i < 4; i++)
            {
                _media.Clip($"videos/{name}/{i}.mp4", seconds: 4.5, size: name == "a" ? "96x64" : "64x96");
            }
        }

        var typed = MarkdownPage.Load("README.md").Shell.Select(line => ShellWords.Arguments(line.Text)).OfType<string[]>();
        string[][] commands = [.. typed.SkipWhile(words => words[0] != "ingest").Take(shorter.Count)];
        Assert.Equal(shorter.Keys, commands.Select(words => words[0]));
        foreach (var words in commands)
        {
            string[] arguments = [Path.Combine(AppContext.BaseDirectory, "xkd.dll"), .. words, .. shorter[words[0]]];
            var outcome = await XkdProcess.StartAsync("dotnet", arguments, folder: _media.Root);
            Assert.True(outcome.ExitCode == 0, $"xkd {string.Join(' ', words)}: exit {outcome.ExitCode}\n{outcome.Output}\n{outcome.Error}");
        }

        await using var features = await FeatureFile.OpenAsync(_media[commands[^1].Last(word => word.EndsWith(".parquet", StringComparison.Ordinal))]);
        Assert.Equal(8, features.Rows);
    }
}
