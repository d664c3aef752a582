using System.CommandLine;
using Xkd.Cli.Hosting;

namespace Xkd.Cli.Commands;

/// <summary>Every verb, in the order in which a newcomer meets them.</summary>
internal static class VerbList
{
    private const string Closing = """
        Example:
          xkd ingest --dataset folder --root clips --out cache
          xkd train --config tiny --data cache --out run
          xkd report run --out run.html

        Exit codes:
          0    done
          1    failed, corruption found included
          2    usage, configuration, or an incompatible cache: nothing was changed
          3    done, with items that failed
          75   stopped on request after a checkpoint or commit: run the same again
          130  interrupted

        Documentation: README.md and the folder docs. `xkd config` explains every key of
        a configuration, `xkd doctor` says what this machine lacks.

        """;

    public static RootCommand Root()
    {
        RootCommand root = new("XKD: pre-train audio and video encoders on unlabelled video by cross-modal knowledge distillation.") { CommonOptions.Quiet };
        foreach (var verb in All())
        {
            root.Add(verb);
        }

        HelpText.Install(root, Closing);
        VersionText.Install(root);
        return root;
    }

    public static IEnumerable<Command> All() =>
    [
        IngestCommand.Create(), InspectCommand.Create(), VerifyCommand.Create(), CacheCommand.Create(), TrainCommand.Create(), EvalCommand.Create(), PredictCommand.Create(),
        FeaturesCommand.Create(), ImportCommand.Create(), ExportCommand.Create(), ReportCommand.Create(), ConfigCommand.Create(), ProfileCommand.Create(), DoctorCommand.Create(),
        SelfCheckCommand.Create(), DemoCommand.Create(), CompletionCommand.Create(), .. LauncherVerbs.All(),
    ];
}
