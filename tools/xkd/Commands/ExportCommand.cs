using System.CommandLine;
using Xkd.Cli.Hosting;
using Xkd.Model.Evaluation;
using Xkd.Model.Weights;

namespace Xkd.Cli.Commands;

/// <summary><c>xkd export</c>: one encoder of a run for others.</summary>
internal static class ExportCommand
{
    public static Command Create()
    {
        Argument<string> run = new("run") { Description = "A run folder; its newest whole checkpoint is taken." };
        var branch = CommonOptions.Choice("--branch", "Which copy of the encoder.", "teacher", "student");
        var modality = CommonOptions.Choice("--modality", "Which encoder.", "video", "audio");
        var output = Outputs.File(CommonOptions.RequiredPath("--out", "The file to write: .safetensors, or .pth for PyTorch."));
        Command command = new("export", "Write one encoder of a run under the official names.") { run, branch, modality, output };
        command.SetAction((parsed, _) =>
        {
            var weights = WeightImporter.Read(parsed.GetValue(run)!, new WeightImportOptions
            {
                Modality = WeightChoices.Modality(parsed.GetValue(modality)!),
                Branch = WeightChoices.Branch(parsed.GetValue(branch)!),
            });
            WeightExporter.Write(parsed.GetValue(output)!, weights.Tensors, EncoderDescription.Find(parsed.GetValue(run)!) is { } d ? EncoderDescription.ToMetadata(d) : null);
            new Terminal(json: false).Line($"{parsed.GetValue(output)}: {weights.Tensors.Count} tensors of the {parsed.GetValue(modality)} {parsed.GetValue(branch)}");
            return Task.FromResult(ExitCodes.Done);
        });
        return command;
    }
}
