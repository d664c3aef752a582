using System.CommandLine;

namespace Xkd.Cli.Commands;

/// <summary>Every verb, in the order in which a newcomer meets them.</summary>
internal static class VerbList
{
    public static IEnumerable<Command> All() =>
    [
        IngestCommand.Create(), InspectCommand.Create(), VerifyCommand.Create(), CacheCommand.Create(), TrainCommand.Create(), EvalCommand.Create(), PredictCommand.Create(), FeaturesCommand.Create(), ImportCommand.Create(), ExportCommand.Create(), ReportCommand.Create(), ConfigCommand.Create(), ProfileCommand.Create(), DoctorCommand.Create(), SelfCheckCommand.Create(), DemoCommand.Create(),
    ];
}
