using System.Diagnostics;
using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Model.Weights;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Weights;

/// <summary>An exported encoder computes the same features in PyTorch. Skipped where there is none.</summary>
public sealed class PyTorchFeatureTests
{
    [Theory]
    [InlineData(WeightModality.Video)]
    [InlineData(WeightModality.Audio)]
    public async Task Write_Pth_GivesTheSameFeaturesInPyTorch(WeightModality modality)
    {
        LibTorch.Load();
        var python = File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
        Assert.SkipUnless(await RunAsync(python, "-c", "import torch") == 0, "no python3 with PyTorch on this machine");
        using TemporaryFolder folder = new();
        var video = modality == WeightModality.Video;
        Export(folder, video);
        string[] patch = video ? ["2", "8", "8"] : ["4", "8"];
        var script = Path.Combine(RepositoryRoot.Path, "tests", "Model", "Fixtures", "pytorch", "vit_features.py");
        Assert.Equal(0, await RunAsync(python, [script, folder.File("weights.pth"), folder.File("data.pth"), "4", .. patch]));
    }

    private static void Export(TemporaryFolder folder, bool video)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        TransformerSection size = new() { Dim = 32, Depth = 2, Heads = 4 };
        using XkdModel model = new(
            new PretrainConfig
            {
                Data = new DataSection { GlobalFrames = 8, GlobalSize = 32, Mels = 16, GlobalMelFrames = 64 },
                Model = new ModelSection
                {
                    VideoPatch = [2, 8, 8], AudioPatch = [4, 8], Encoder = size, Decoder = size, Projector = new ProjectorSection { Out = 16, Hidden = 16, Bottleneck = 8 },
                },
            },
            seed: 3);
        var branch = video ? model.VideoTeacher : model.AudioTeacher;
        Generator generator = new(5);
        var input = video ? randn([2, 3, 8, 32, 32], generator: generator) : randn([2, 1, 16, 64], generator: generator);
        var features = branch.PatchMean(branch.Backbone.call(input));
        WeightExporter.Write(folder.File("weights.pth"), [.. StateNames.StateDict(branch.Backbone).Select(e => TensorBytes.Copy(e.Name, e.Value))]);
        WeightExporter.Write(folder.File("data.pth"), [TensorBytes.Copy("input", input), TensorBytes.Copy("features", features)]);
    }

    private static async Task<int> RunAsync(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, UseShellExecute = false })!;
            var said = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            TestContext.Current.TestOutputHelper?.WriteLine(said);
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return -1;
        }
    }
}
