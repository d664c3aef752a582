using System.CommandLine;

namespace Xkd.Cli.Tests.Docs;

public sealed class ReferencePageTests
{
    [Fact]
    public void Reference_OfThisCode_IsThePageInDocs()
    {
        var (path, text) = (RepositoryFiles.Find("docs", "reference.md"), ReferencePage.Write(CommandTree.Root()));
        if (Environment.GetEnvironmentVariable("XKD_TEST_REFERENCE") == "write")
        {
            File.WriteAllText(path, text);
        }

        Assert.True(File.ReadAllText(path) == text, "docs/reference.md is not what the code says; type: tools/docs/build.sh");
    }

    [Fact]
    public void Write_OptionsAndArguments_SaysWhatEachTakes()
    {
        Option<string> choice = new("--frames") { Description = "How | where.", DefaultValueFactory = _ => "raw" };
        choice.AcceptOnlyFromAmong("raw", "jpeg");
        Command verb = new("look", "Look at <it>.")
        {
            new Argument<string>("cache") { Description = "The cache." }, choice, new Option<int>("--limit") { Required = true }, new Option<bool>("--all"),
            new Option<string>("--secret") { Hidden = true },
        };
        Assert.Contains(
            """
            ## xkd look

            Look at &lt;it>.

            | option | takes | default | meaning |
            |---|---|---|---|
            | `CACHE` | text | required | The cache. |
            | `--frames` | `jpeg`, `raw` | `raw` | How \| where. |
            | `--limit` | whole number | required |  |
            | `--all` |  |  |  |

            ## Configuration of train
            """.ReplaceLineEndings("\n"),
            ReferencePage.Write(new RootCommand { verb }),
            StringComparison.Ordinal);
    }
}
