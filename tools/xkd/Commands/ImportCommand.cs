using System.CommandLine;
using Xkd.Cli.Hosting;
using Xkd.Model.Evaluation;
using Xkd.Model.Weights;

namespace Xkd.Cli.Commands;

/// <summary><c>xkd import</c>: weights of any provenance to safetensors.</summary>
internal static class ImportCommand
{
    public static Command Create()
    {
        Argument<string> file = new("file") { Description = "A PyTorch file (.pth, .pth.tar, .pt) or safetensors." };
        var output = Outputs.File(CommonOptions.RequiredPath("--out", "The .safetensors file to write."));
        var force = CommonOptions.Force();
        var modality = CommonOptions.Choice("--modality", "Take one encoder of a whole model.", "auto", "video", "audio");
        var branch = CommonOptions.Choice("--branch", "Which copy of the encoder, where the file holds a whole model.", "teacher", "student");
        Command command = new("import", "Convert weights to safetensors, executing nothing a file may ask for.") { file, output, force, modality, branch };
        command.SetAction((parsed, _) =>
        {
            Outputs.RequireFree(parsed.GetValue(output)!, parsed.GetValue(force));
            var weights = WeightImporter.Read(parsed.GetValue(file)!, new WeightImportOptions
            {
                Modality = WeightChoices.Modality(parsed.GetValue(modality)!),
                Branch = WeightChoices.Branch(parsed.GetValue(branch)!),
                AnyTensors = true,
            });
            WeightExporter.Write(parsed.GetValue(output)!, weights.Tensors, EncoderDescription.Find(parsed.GetValue(file)!) is { } d ? EncoderDescription.ToMetadata(d) : null);
            var terminal = Terminal.Of(parsed);
            terminal.Result($"{parsed.GetValue(output)}: {weights.Tensors.Count} tensors, {weights.Modality?.ToString().ToLowerInvariant() ?? "every one of the file"}");
            foreach (var dropped in weights.Dropped)
            {
                terminal.Line($"  left behind: {dropped}");
            }

            terminal.Next($"xkd features --weights {parsed.GetValue(output)} --data CACHE --out features.parquet");
            return Task.FromResult(ExitCodes.Done);
        });
        return command;
    }
}
