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

        using var scope = TinyModel.Scope();
        using EvaluationEncoder ofRun = EvaluationEncoder.Open(run, modality, WeightBranch.Teacher, new EncoderSection(), CPU);
        using EvaluationEncoder ofFile = EvaluationEncoder.Open(file, modality, WeightBranch.Teacher, new EncoderSection(), CPU, _ => Assert.Fail("the file says what it was trained on"));
        Tensor input = modality == WeightModality.Video ? randn([2, 3, 8, 16, 16]) : randn([2, 1, 16, 64]);
        Assert.Equal(0, (ofRun.Features(input) - ofFile.Features(input)).abs().max().item<float>());
        Assert.Equal(said.MelMean, ofFile.Description.MelMean);
    }

    [Fact]
    public void Open_SpectrogramsOfTheCachesStatistics_AreNormalisedAlikeAfterEitherFormat()
    {
        string run = world.Run(XkdVariant.Xkd);
        EncoderSection said = EncoderDescription.Find(run)!;
        Assert.NotEqual(new EncoderSection().MelMean, said.MelMean); // the cache's own, not the released ones
        IReadOnlyList<WeightTensor> tensors = WeightImporter.Read(run, new WeightImportOptions { Modality = WeightModality.Audio }).Tensors;
        string pth = world.Out("statistics.pth"), safetensors = world.Out("statistics.safetensors"), back = world.Out("back.safetensors"), bare = world.Out("bare.pth");
        WeightExporter.Write(pth, tensors, EncoderDescription.ToMetadata(said));
        WeightExporter.Write(safetensors, tensors, EncoderDescription.ToMetadata(said));
        WeightExporter.Write(back, WeightImporter.Read(pth).Tensors, EncoderDescription.ToMetadata(EncoderDescription.Find(pth)!));
        WeightExporter.Write(bare, tensors);
        Assert.All([pth, safetensors, back], file => Assert.Equal(ConfigBinder.ToYaml(said), ConfigBinder.ToYaml(EncoderDescription.Find(file)!)));

        // Without statistics a line says which are used, and what to write.
        List<string> warnings = [];
        EncoderSection fallback = said with { MelMean = new EncoderSection().MelMean, MelStd = new EncoderSection().MelStd };
        using EvaluationEncoder encoder = EvaluationEncoder.Open(bare, WeightModality.Audio, WeightBranch.Teacher, fallback, CPU, warnings.Add);
        string warning = Assert.Single(warnings);
        Assert.All([bare, "-5.3688107", "4.410007", "--set encoder.mel_mean"], part => Assert.Contains(part, warning, StringComparison.Ordinal));
        using EvaluationEncoder told = EvaluationEncoder.Open(bare, WeightModality.Audio, WeightBranch.Teacher, said, CPU, warnings.Add);
        Assert.Single(warnings);
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
