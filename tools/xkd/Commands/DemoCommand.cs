using System.CommandLine;
using Xkd.Cli.Demo;
using Xkd.Cli.Hosting;

namespace Xkd.Cli.Commands;

/// <summary><c>xkd demo</c>: the main job end to end on this machine.</summary>
internal static class DemoCommand
{
    public static Command Create()
    {
        var output = Outputs.Folder(new Option<string>("--out") { Description = "Where everything is written.", DefaultValueFactory = _ => "out/demo" });
        var seed = Numbers.Option("--seed", "Seed of clips, initialisation and order.", CommonOptions.Seeds, 0L);
        Option<bool> brief = new("--short") { Description = "A few clips and steps: shows that every part runs, not that the model learned." };
        Command command = new("demo", "Ingest, train, probe and report, on this machine, in minutes.") { output, seed, brief };
        command.SetAction(async (parsed, _) =>
        {
            using StopSignals signals = new();
            DemoOptions options = new() { Out = parsed.GetValue(output)!, Seed = parsed.GetValue(seed), Short = parsed.GetValue(brief) };
            var terminal = Terminal.Of(parsed);
            var code = await new DemoRun(options, terminal, TimeProvider.System).RunAsync(signals.Token).ConfigureAwait(false);
            if (parsed.GetValue(CommonOptions.Quiet))
            {
                terminal.Result(Path.Combine(options.Out, "report.html"));
            }

            terminal.Next("xkd ingest --dataset folder --root YOUR_CLIPS --out CACHE");
            return code;
        });
        return command;
    }
}
