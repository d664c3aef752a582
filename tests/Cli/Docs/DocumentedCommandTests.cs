using System.CommandLine;
using System.Text.RegularExpressions;
using Xkd.Model.Evaluation;
using Xkd.Model.Method;

namespace Xkd.Cli.Tests.Docs;

/// <summary>What the pages print can be typed.</summary>
public sealed partial class DocumentedCommandTests
{
    // Options of mpirun and srun, which pages name beside ours.
    private static readonly string[] Launchers = ["--bind-to", "--mpi", "--enable-recovery", "--array"];

    private static readonly CommandCheck Check = new(CommandTree.Root());

    private static readonly HashSet<string> Keys =
        [.. new[] { ConfigReference.Of<PretrainConfig>(), ConfigReference.Of<SvmConfig>(), ConfigReference.Of<ClassifierConfig>() }.SelectMany(Names)];

    [Fact]
    public void Commands_OfEveryPage_AreAccepted()
    {
        PageText[] blocks = [.. DocumentationPages.All.SelectMany(page => page.Shell).Where(line => ShellWords.Arguments(line.Text) is not null)];
        Assert.InRange(blocks.Length, 30, int.MaxValue);
        DocumentationPages.AssertNone(blocks.SelectMany(line => Faults(line, whole: true)));
        var inline = DocumentationPages.All.SelectMany(page => page.Code).Where(code => Program().IsMatch(code.Text));
        DocumentationPages.AssertNone(inline.SelectMany(code => Faults(code, whole: false)));
    }

    [Fact]
    public void Options_ThatPagesName_Exist()
    {
        string[] known = [.. Names(CommandTree.Root()), .. Launchers];
        PageText[] named = [.. DocumentationPages.All.SelectMany(page => page.Code).Where(code => code.Text.StartsWith("--", StringComparison.Ordinal))];
        Assert.InRange(named.Length, 30, int.MaxValue);
        var unknown = named.Where(code => !known.Contains(Option().Match(code.Text).Value));
        DocumentationPages.AssertNone(unknown.Select(code => code.Fault("no verb has this option")));
    }

    [Fact]
    public void Overrides_InShellBlocks_AreKeysOfPreTraining()
    {
        PageText[] lines = [.. DocumentationPages.All.SelectMany(page => page.Shell).Where(line => line.Text.StartsWith("--set ", StringComparison.Ordinal))];
        Assert.NotEmpty(lines);
        DocumentationPages.AssertNone(lines.SelectMany(line => Check.Faults(ShellWords.Arguments($"xkd train {line.Text}")!, whole: false).Select(line.Fault)));
    }

    [Fact]
    public void Keys_ThatPagesName_AreOfAConfiguration()
    {
        HashSet<string> sections = [.. Keys.Where(key => key.Contains('.', StringComparison.Ordinal)).Select(key => key.Split('.')[0])];
        List<string> faults = [];
        var named = 0;
        foreach (var code in DocumentationPages.All.SelectMany(page => page.Code))
        {
            var match = Setting().Match(code.Text);
            var key = match.Groups["key"].Value;
            if (match.Success && key != "key" && (match.Groups["set"].Success || sections.Contains(key.Split('.')[0])))
            {
                named++;
                var known = Keys.Any(one => one == key || one.StartsWith(key + ".", StringComparison.Ordinal));
                faults.AddRange(known ? [] : [code.Fault("no configuration has this key")]);
            }
        }

        Assert.InRange(named, 30, int.MaxValue);
        DocumentationPages.AssertNone(faults);
    }

    [Theory]
    [InlineData("verify CACHE", true)]
    [InlineData("train …", true)]
    [InlineData("eval svm|linear --weights RUN …", true)]
    [InlineData("ingest --dataset folder --root R --out C --frames raw|jpeg [--json]", true)]
    [InlineData("train --config configs/pretrain/xkd.yaml --data C --out R --set objective.align=0", true)]
    [InlineData("verify", false)]
    [InlineData("verfy CACHE", false)]
    [InlineData("verify CACHE --quickly", false)]
    [InlineData("ingest --dataset folder --root R --out C --frames raw|png", false)]
    [InlineData("train --config configs/pretrain/none.yaml --data C --out R", false)]
    [InlineData("train --config configs/pretrain/xkd.yaml --data C --out R --set objective.aline=0", false)]
    [InlineData("eval linear --config configs/eval/linear/folder.yaml --weights W --train C --val C --out D --set optim.lr=-1", false)]
    public void Faults_OfACommand_AreFound(string command, bool accepted) => Assert.Equal(accepted, !Check.Faults(command.Split(' '), whole: true).Any());

    private static IEnumerable<string> Faults(PageText text, bool whole) => Check.Faults(ShellWords.Arguments(text.Text)!, whole).Select(text.Fault);

    private static IEnumerable<string> Names(IReadOnlyList<ConfigKey> keys) => keys.Select(key => key.Name);

    private static IEnumerable<string> Names(Command command) =>
        [.. command.Options.SelectMany(option => option.Aliases.Prepend(option.Name)), .. command.Subcommands.SelectMany(Names)];

    [GeneratedRegex(@"^(\./)?xkd \S")]
    private static partial Regex Program();

    [GeneratedRegex("^--[a-z0-9-]+")]
    private static partial Regex Option();

    // `optim.lr`, `data.order: block`, `--set data.order=block`
    [GeneratedRegex(@"^(?!.*\.(safetensors|yaml|json|csv|html)$)(?<set>--set )?(?<key>[a-z_0-9]+(\.[a-z_0-9]+)*)(?(set)=.+|(: .+)?)$")]
    private static partial Regex Setting();
}
