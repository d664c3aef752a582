using Xkd.Model.Evaluation;
using Xkd.Model.Method;
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
        var weights = WeightImporter.Read(run, new WeightImportOptions { Modality = modality });
        var said = EncoderDescription.Find(run)!;
        WeightExporter.Write(file, weights.Tensors, EncoderDescription.ToMetadata(said));

        using var scope = TinyModel.Scope();
        set_num_threads(1); // the same sums in the same order
        using var ofRun = EvaluationEncoder.Open(run, modality, WeightBranch.Teacher, new EncoderSection(), CPU);
        using var ofFile = EvaluationEncoder.Open(file, modality, WeightBranch.Teacher, new EncoderSection(), CPU, _ => Assert.Fail("the file says what it was trained on"));
        var input = modality == WeightModality.Video ? randn([2, 3, 8, 16, 16]) : randn([2, 1, 16, 64]);
        Assert.Equal(0, (ofRun.Features(input) - ofFile.Features(input)).abs().max().item<float>());
        Assert.Equal(said.MelMean, ofFile.Description.MelMean);
    }

    [Fact]
    public void Open_SpectrogramsOfTheCachesStatistics_AreNormalisedAlikeAfterEitherFormat()
    {
        var run = world.Run(XkdVariant.Xkd);
        var said = EncoderDescription.Find(run)!;
        Assert.NotEqual(new EncoderSection().MelMean, said.MelMean); // the cache's own, not the released ones
        var tensors = WeightImporter.Read(run, new WeightImportOptions { Modality = WeightModality.Audio }).Tensors;
        string pth = world.Out("statistics.pth"), safetensors = world.Out("statistics.safetensors"), back = world.Out("back.safetensors"), bare = world.Out("bare.pth");
        WeightExporter.Write(pth, tensors, EncoderDescription.ToMetadata(said));
        WeightExporter.Write(safetensors, tensors, EncoderDescription.ToMetadata(said));
        WeightExporter.Write(back, WeightImporter.Read(pth).Tensors, EncoderDescription.ToMetadata(EncoderDescription.Find(pth)!));
        WeightExporter.Write(bare, tensors);
        Assert.All([pth, safetensors, back], file => Assert.Equal(ConfigBinder.ToYaml(said), ConfigBinder.ToYaml(EncoderDescription.Find(file)!)));

        // Without statistics a line says which are used, and what to write.
        List<string> warnings = [];
        var fallback = said with { MelMean = new EncoderSection().MelMean, MelStd = new EncoderSection().MelStd };
        using var encoder = EvaluationEncoder.Open(bare, WeightModality.Audio, WeightBranch.Teacher, fallback, CPU, warnings.Add);
        var warning = Assert.Single(warnings);
        Assert.All([bare, "-5.3688107", "4.410007", "--set encoder.mel_mean"], part => Assert.Contains(part, warning, StringComparison.Ordinal));
        using var told = EvaluationEncoder.Open(bare, WeightModality.Audio, WeightBranch.Teacher, said, CPU, warnings.Add);
        Assert.Single(warnings);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"Heads\": \"x\"}")]
    [InlineData("{\"Heads\": -2}")]
    [InlineData("{\"Heads\": 3}")]
    [InlineData("{\"Heads\": 2147483648}")]
    [InlineData("{\"Fps\": 1e999, \"Heads\": 2}")]
    [InlineData("{\"Frames\": 4096, \"Size\": 4096, \"Heads\": 2}")]
    [InlineData("{\"Frames\": 4096, \"Size\": 4096, \"VideoPatch\": [4096, 4096, 4096], \"Heads\": 2}")]
    [InlineData("{\"VideoPatch\": null, \"Heads\": 2}")]
    [InlineData("{\"VideoPatch\": [4], \"Heads\": 2}")]
    [InlineData("{\"VideoPatch\": [0, 0, 0], \"Heads\": 2}")]
    [InlineData("{\"VideoPatch\": [-4, 16, 16], \"Heads\": 2}")]
    [InlineData("{\"AudioPatch\": [4, 16, 2], \"Heads\": 2}")]
    [InlineData("{\"MelStd\": 0, \"Heads\": 2}")]
    public void Open_MetadataOfNoSense_IsRefusedNamingTheFile(string metadata)
    {
        var file = world.Out("hostile.safetensors");
        WeightExporter.Write(file, WeightImporter.Read(world.Run(XkdVariant.Xkd), new WeightImportOptions { Modality = WeightModality.Video }).Tensors, new Dictionary<string, string> { ["xkd.encoder"] = metadata });
        var error = Assert.ThrowsAny<XkdException>(() => EvaluationEncoder.Open(file, WeightModality.Video, WeightBranch.Teacher, new EncoderSection(), CPU));
        Assert.StartsWith(file, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("encoder_norm.weight", new long[0])]
    [InlineData("encoder_norm.weight", new long[] { 1 })]
    [InlineData("encoder.blocks.0.mlp.fc1.weight", new long[] { 7 })]
    [InlineData("encoder.blocks.0.mlp.fc1.weight", new long[] { 1, 1 })]
    [InlineData("enc_pos_embed", new long[0])]
    [InlineData("cuboid_embed.proj.weight", new long[] { 2, 2 })]
    [InlineData("encoder.blocks.7777.mlp.fc1.weight", new long[] { 1 })]
    public void Open_ATensorOfAnotherShape_IsRefusedNamingTheTensor(string name, long[] shape)
    {
        string run = world.Run(XkdVariant.Xkd), file = world.Out("misshapen.safetensors");
        var others = WeightImporter.Read(run, new WeightImportOptions { Modality = WeightModality.Video }).Tensors.Where(t => t.Name != name);
        var odd = WeightTensor.FromFloats(name, shape, new float[shape.Aggregate(1L, (n, size) => n * size)]);
        WeightExporter.Write(file, [.. others, odd], EncoderDescription.ToMetadata(EncoderDescription.Find(run)!));
        var error = Assert.Throws<UsageException>(() => EvaluationEncoder.Open(file, WeightModality.Video, WeightBranch.Teacher, new EncoderSection(), CPU));
        Assert.StartsWith(file, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_AFileThatDoesNotTellItsHeads_SaysHowToTell()
    {
        var file = world.Out("headless.pth");
        WeightExporter.Write(file, WeightImporter.Read(world.Run(XkdVariant.Xkd), new WeightImportOptions { Modality = WeightModality.Video }).Tensors);
        var error = Assert.Throws<UsageException>(() => EvaluationEncoder.Open(file, WeightModality.Video, WeightBranch.Teacher, new EncoderSection(), CPU));
        Assert.Contains("encoder.heads", error.Message, StringComparison.Ordinal);
    }
}
