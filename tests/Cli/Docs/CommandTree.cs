using System.CommandLine;
using System.Text.RegularExpressions;
using Xkd.Cli.Commands;
using Xkd.Cli.Hosting;
using Xkd.Experiments.AvDigits;

namespace Xkd.Cli.Tests.Docs;

/// <summary>Everything that <c>./xkd</c> takes: the command's verbs, and those that the script itself runs.</summary>
internal static partial class CommandTree
{
    public static RootCommand Root()
    {
        RootCommand root = new("XKD") { CommonOptions.Quiet };
        foreach (var verb in VerbList.All().Where(verb => verb.Name is not ("test" or "experiment")))
        {
            root.Add(verb);
        }

        root.Add(new Command("experiment", "Run an experiment.")
        {
            new Command("avdigits", "The paper's ablation in miniature: image and sound that share only a digit.")
            {
                GenerateCommand.Create(), JoinCommand.Create(), RowsCommand.Create(), RunCommand.Create(), RunCommand.CreateRow(),
            },
        });
        root.Add(Test());
        return root;
    }

    // The script knows the areas; what follows one goes to the test runner.
    private static Command Test()
    {
        Argument<string?> area = new("area")
        {
            Description = "One area; cluster: the job scripts on a SLURM of this machine; release: a release made and tried; golden: the reference numbers alone. "
                + "Without it every area but cluster and release.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var script = File.ReadAllText(RepositoryFiles.Find("xkd"));
        area.AcceptOnlyFromAmong([.. Areas().Match(script).Groups["areas"].Value.ToLowerInvariant().Split(' '), "cluster", "release", "golden"]);
        return new Command("test", "Run the tests; the last line is \"N passed, N failed\".") { area };
    }

    [GeneratedRegex(@"areas=\((?<areas>[\w ]+)\)")]
    private static partial Regex Areas();
}
