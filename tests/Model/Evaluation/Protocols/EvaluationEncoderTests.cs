using Xkd.Model.Configuration;
using Xkd.Model.Evaluation;
using Xkd.Model.Weights;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Evaluation;

[Collection(nameof(EvaluationWorld))]
public sealed class EvaluationEncoderTests(EvaluationWorld world)
{
    [Theory]
    [InlineData(XkdVariant.Xkd, WeightModality.Video, ".safetensors")]
    [InlineData(XkdVariant.Xkd, WeightModality.Audio, ".pth")]
    [InlineData(XkdVariant.Mats, WeightModality.Audio, ".safetensors")]
    public void Open_AnExport_HasTheFeaturesOfTheRun(XkdVariant variant, WeightModality modality, string extension)
    {
        string run = world.Run(variant), file = world.Out($"{variant}{modality}{extension}");
        ImportedWeights weights = WeightImporter.Read(run, new WeightImportOptions { Modality = modality });
        EncoderSection said = EncoderDescription.Find(run)!;
        WeightExporter.Write(file, weights.Tensors, EncoderDescription.ToMetadata(said));

        // A .pth says nothing of itself; what a person writes stands in.
        EncoderSection fallback = extension == ".pth" ? said : new EncoderSection();
        using var scope = TinyModel.Scope();
        using EvaluationEncoder ofRun = EvaluationEncoder.Open(run, modality, WeightBranch.Teacher, new EncoderSection(), CPU);
        using EvaluationEncoder ofFile = EvaluationEncoder.Open(file, modality, WeightBranch.Teacher, fallback, CPU);
        Tensor input = modality == WeightModality.Video ? randn([2, 3, 8, 16, 16]) : randn([2, 1, 16, 64]);
        Assert.Equal(0, (ofRun.Features(input) - ofFile.Features(input)).abs().max().item<float>());
        Assert.Equal(said.MelMean, ofFile.Description.MelMean);
    }

    [Fact]
    public void Open_AFileThatDoesNotTellItsHeads_SaysHowToTell()
    {
        string file = world.Out("headless.pth");
        WeightExporter.Write(file, WeightImporter.Read(world.Run(XkdVariant.Xkd), new WeightImportOptions { Modality = WeightModality.Video }).Tensors);
        UsageException error = Assert.Throws<UsageException>(() => EvaluationEncoder.Open(file, WeightModality.Video, WeightBranch.Teacher, new EncoderSection(), CPU));
        Assert.Contains("encoder.heads", error.Message, StringComparison.Ordinal);
    }
}
