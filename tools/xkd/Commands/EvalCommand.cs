using System.CommandLine;
using TorchSharp;
using Xkd.Cli.Hosting;
using Xkd.Model.Configuration;
using Xkd.Model.Evaluation;
using Xkd.Model.Native;
using Xkd.Model.Training;
using Xkd.Storage;

namespace Xkd.Cli.Commands;

/// <summary><c>xkd eval</c>: what the features are worth.</summary>
internal static class EvalCommand
{
    public static Command Create()
    {
        Command svm = new("svm", "A linear SVM on frozen features.");
        Option<string> config = CommonOptions.RequiredPath("--config", "For example configs/eval/svm/folder.yaml.");
        Option<string> weights = CommonOptions.RequiredPath("--weights", "A run folder.");
        Option<string> train = CommonOptions.RequiredPath("--train", "The labelled cache to fit on.");
        Option<string> val = CommonOptions.RequiredPath("--val", "The labelled cache to test on.");
        Option<string> modality = CommonOptions.Choice("--modality", "Which encoder's features; av joins both.", "video", "audio", "av");
        Option<string> branch = CommonOptions.Choice("--branch", "Which copy of the encoder.", "teacher", "student");
        Option<long?> seed = new("--seed") { Description = "Seed of the held-out part and the solver." };
        Option<string> output = CommonOptions.RequiredPath("--out", "Folder for results.json.");
        Option<string[]> set = CommonOptions.Set();
        Option<string> device = CommonOptions.Device();
        Option<string?> libtorch = CommonOptions.LibTorch();
        foreach (Option option in new Option[] { config, weights, train, val, modality, branch, seed, output, set, device, libtorch })
        {
            svm.Add(option);
        }

        svm.SetAction(async (parsed, _) =>
        {
            string[] overrides = parsed.GetValue(seed) is long s ? [.. parsed.GetValue(set)!, $"seed={s}"] : parsed.GetValue(set)!;
            SvmConfig loaded = SvmConfig.Load(parsed.GetValue(config)!, overrides);
            Terminal terminal = new(json: false);
            using StopSignals signals = new();
            LibTorch.Load(parsed.GetValue(libtorch));
            torch.Device where = Devices.Parse(parsed.GetValue(device)!);
            Devices.SetThreads(0);
            Cache trainCache = Cache.Open(parsed.GetValue(train)!), valCache = Cache.Open(parsed.GetValue(val)!);
            using FrozenEncoder encoder = FrozenEncoder.OpenRun(parsed.GetValue(weights)!, where, terminal.Line);
            EvaluationResult result = await SvmEvaluation.RunAsync(
                encoder, trainCache, valCache, loaded, parsed.GetValue(modality)!, WeightChoices.Branch(parsed.GetValue(branch)!), signals.Token).ConfigureAwait(false);
            string folder = parsed.GetValue(output)!;
            Directory.CreateDirectory(folder);
            await result.WriteAsync(Path.Combine(folder, "results.json"), signals.Token).ConfigureAwait(false);
            terminal.Line($"{result.Dataset} {result.Protocol} {result.Modality} {result.Branch}: {result.Metric} {result.Value:f2} % ({result.Selection})");
            return ExitCodes.Done;
        });
        return new Command("eval", "Evaluate pre-trained encoders.") { svm };
    }
}
