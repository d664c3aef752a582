using System.CommandLine;
using Xkd.Cli.Hosting;
using Xkd.Model.Evaluation;
using Xkd.Model.Method;
using Xkd.Model.Onnx;
using Xkd.Model.Torch;
using Xkd.Model.Training;
using Xkd.Model.Weights;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Cli.Commands;

/// <summary><c>xkd export</c>: one encoder of a run, or a trained classifier with its encoders, for others.</summary>
internal static class ExportCommand
{
    private const string OnnxExtension = ".onnx";

    private static readonly string[] Extensions = [".safetensors", ".pth", OnnxExtension];

    public static Command Create()
    {
        Argument<string> run = new("run") { Description = "A run folder, of which the newest whole checkpoint is taken, or a file of weights; for an .onnx file also what eval svm, linear or finetune wrote." };
        var branch = CommonOptions.Choice("--branch", "Which copy of the encoder.", "teacher", "student");
        var modality = CommonOptions.Choice("--modality", "Which encoder.", "video", "audio");
        var output = Outputs.File(CommonOptions.RequiredPath("--out", "The file to write: .safetensors, .pth for PyTorch, or .onnx for ONNX runtimes."));
        var frameSize = Numbers.Optional<int>(
            "--frame-size", "Height and width of frames in pixels, of an .onnx file; the encoder's own without it.", new NumberRange(1, 4096));
        var force = CommonOptions.Force();
        var set = CommonOptions.Set();
        set.Description = "What weights do not say of their encoder, encoder.KEY=VALUE, of an .onnx file; repeatable.";
        var libtorch = CommonOptions.LibTorch();
        Command command = new("export", "Write one encoder of a run, or a trained classifier, for others: weights under the official names, or a network.")
        {
            run, branch, modality, output, force, frameSize, set, libtorch,
        };
        command.SetAction((parsed, _) =>
        {
            string from = parsed.GetValue(run)!, path = parsed.GetValue(output)!;
            var which = (Modality: WeightChoices.Modality(parsed.GetValue(modality)!)!.Value, Branch: WeightChoices.Branch(parsed.GetValue(branch)!));
            var extension = Path.GetExtension(path);
            if (!Extensions.Contains(extension))
            {
                throw new UsageException($"--out {path}: the extension must be .safetensors, .pth or .onnx");
            }

            Outputs.RequireFree(path, parsed.GetValue(force));
            var terminal = Terminal.Of(parsed);

            // Results may lie in the folder of the run that they judge: named, it is the run.
            if (KeptClassifier.Find(from) is { } classifier && (classifier == from || !new RunFolder(from).HasRun))
            {
                Option[] own = [branch, modality, frameSize, set];
                return Classifier(classifier, path, own.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }), parsed.GetValue(libtorch), terminal);
            }

            if (extension != OnnxExtension && (parsed.GetValue(frameSize) is not null || parsed.GetValue(set)!.Length > 0))
            {
                var option = parsed.GetValue(frameSize) is null ? set.Name : frameSize.Name;
                throw new UsageException($"{option} means nothing for {path}: weights are written as they are; leave it out, or name the file .onnx");
            }

            string written;
            if (extension == OnnxExtension)
            {
                var config = SvmConfig.Load(null, parsed.GetValue(set)!);
                LibTorch.Load(parsed.GetValue(libtorch));
                using var encoder = EvaluationEncoder.Open(from, which.Modality, which.Branch, config.Encoder, CPU, terminal.Line);
                OnnxExporter.Write(path, [encoder], frameSize: parsed.GetValue(frameSize));
                written = $"opset {OnnxExporter.Opset}, {encoder.Width} features";
            }
            else
            {
                var weights = WeightImporter.Read(from, new WeightImportOptions { Modality = which.Modality, Branch = which.Branch });
                WeightExporter.Write(path, weights.Tensors, EncoderDescription.Find(from) is { } d ? EncoderDescription.ToMetadata(d) : null);
                written = $"{weights.Tensors.Count} tensors";
            }

            terminal.Result($"{path}: {written} of the {parsed.GetValue(modality)} {parsed.GetValue(branch)}");
            terminal.Next(FileReading.Of(path));
            return Task.FromResult(ExitCodes.Done);
        });
        return command;
    }

    // The encoders it was trained on, and the frame size: it says all itself.
    private static Task<int> Classifier(string folder, string path, Option? needless, string? libtorch, Terminal terminal)
    {
        var (_, description) = KeptClassifier.Describe(folder);
        var encoders = string.Join(" and ", description.Encoders.Select(e => $"{e.Modality} {e.Branch}"));
        if (needless is not null)
        {
            throw new UsageException($"{needless.Name} means nothing for the classifier in {folder}, which says what it is made of ({encoders}); leave it out");
        }

        if (Path.GetExtension(path) != OnnxExtension)
        {
            var files = string.Join(" and ", description.Encoders.Select(e => Path.Combine(folder, KeptClassifier.EncoderFile(e.Modality))));
            throw new UsageException($"--out {path}: {folder} is a classifier, which is written as .onnx; its encoders are files of weights already: {files}");
        }

        LibTorch.Load(libtorch);
        using var classifier = KeptClassifier.Open(folder, CPU);
        OnnxExporter.Write(path, classifier);
        terminal.Result(
            $"{path}: opset {OnnxExporter.Opset}, {classifier.Encoders.Sum(e => e.Width)} features of the {encoders}, {description.Classes.Count} classes of {description.Protocol}");
        terminal.Next(FileReading.Of(path));
        return Task.FromResult(ExitCodes.Done);
    }
}
