using System.Text.Json;
using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;
using Xkd.Model.Evaluation;
using Xkd.Model.Method;
using Xkd.Model.Onnx;
using Xkd.Model.Torch;
using Xkd.Model.Weights;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Onnx;

/// <summary>What ONNX Runtime makes of an exported file is what the encoder makes.</summary>
public sealed class OnnxExporterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData(XkdVariant.Xkd, WeightModality.Video, WeightBranch.Teacher, true)]
    [InlineData(XkdVariant.Xkd, WeightModality.Video, WeightBranch.Student, false)]
    [InlineData(XkdVariant.Xkd, WeightModality.Audio, WeightBranch.Teacher, true)]
    [InlineData(XkdVariant.Xkd, WeightModality.Audio, WeightBranch.Student, false)]
    [InlineData(XkdVariant.Mas, WeightModality.Audio, WeightBranch.Student, true)]
    [InlineData(XkdVariant.Mats, WeightModality.Audio, WeightBranch.Teacher, true)]
    [InlineData(XkdVariant.Mats, WeightModality.Video, WeightBranch.Teacher, false)]
    public void Write_OneEncoder_GivesItsFeaturesForAnyBatch(XkdVariant variant, WeightModality modality, WeightBranch branch, bool classToken)
    {
        using var scope = TinyModel.Scope();
        using var model = OnnxModel.Make(variant, classToken);
        using var encoder = EvaluationEncoder.Of(model, modality, branch);
        Assert.Equal(classToken ? 1 : 0, encoder.Network.Prefix);
        var file = _folder.File("encoder.onnx");
        OnnxExporter.Write(file, [encoder]);
        foreach (var batch in new[] { 1, 3 })
        {
            var input = OnnxModel.Input(encoder, batch);
            OnnxModel.Near(encoder.Features(input), OnnxModel.Run(file, (modality == WeightModality.Video ? "video" : "audio", input))["features"]);
        }
    }

    [Theory]
    [InlineData(24, true)]
    [InlineData(8, false)]
    [InlineData(16, true)] // its own size
    public void Write_AnotherFrameSize_ResamplesThePositions(int size, bool classToken)
    {
        using var scope = TinyModel.Scope();
        using var model = OnnxModel.Make(classToken: classToken);
        using var encoder = EvaluationEncoder.Of(model, WeightModality.Video, WeightBranch.Teacher);
        var file = _folder.File("resized.onnx");
        OnnxExporter.Write(file, [encoder], frameSize: size);
        foreach (var batch in new[] { 1, 3 })
        {
            var input = OnnxModel.Input(encoder, batch, size);
            OnnxModel.Near(encoder.Features(input), OnnxModel.Run(file, ("video", input))["features"]);
        }
    }

    [Theory]
    [InlineData(OnnxUnitLength.None)]
    [InlineData(OnnxUnitLength.Joined)]
    [InlineData(OnnxUnitLength.Each)]
    public void Write_BothEncodersWithAHead_GivesFeaturesAndLogits(OnnxUnitLength unitLength)
    {
        using var scope = TinyModel.Scope();
        using var model = OnnxModel.Make();
        using var video = EvaluationEncoder.Of(model, WeightModality.Video, WeightBranch.Teacher);
        using var audio = EvaluationEncoder.Of(model, WeightModality.Audio, WeightBranch.Teacher);
        using Generator generator = new(13);
        Tensor weight = randn([3, 32], generator: generator), bias = randn([3], generator: generator);
        var file = _folder.File("both.onnx");
        OnnxExporter.Write(file, [audio, video], new OnnxHead([.. weight.data<float>()], [.. bias.data<float>()], unitLength, ["a", "b", "c"]));
        foreach (var batch in new[] { 1, 3 })
        {
            Tensor frames = OnnxModel.Input(video, batch), mel = OnnxModel.Input(audio, batch);
            Tensor[] parts = [audio.Features(mel), video.Features(frames)];
            var x = unitLength switch
            {
                OnnxUnitLength.None => cat(parts, 1),
                OnnxUnitLength.Joined => nn.functional.normalize(cat(parts, 1), 2, 1),
                _ => cat([.. parts.Select(part => nn.functional.normalize(part, 2, 1))], 1),
            };
            var outputs = OnnxModel.Run(file, ("video", frames), ("audio", mel));
            OnnxModel.Near(cat(parts, 1), outputs["features"]);
            OnnxModel.Near(nn.functional.linear(x, weight, bias), outputs["logits"]);
        }
    }

    [Fact]
    public void Write_HeadWithBatchNormFolded_GivesTheClassifiersLogits()
    {
        using var scope = TinyModel.Scope();
        using var model = OnnxModel.Make();
        using var encoder = EvaluationEncoder.Of(model, WeightModality.Audio, WeightBranch.Teacher);
        using ClassifierHead classifier = new(16, 4, new HeadSection { UnitLength = true, BatchNorm = true });
        using var unrecorded = no_grad();
        var state = StateNames.StateDict(classifier).ToDictionary(e => e.Name, e => e.Value);
        state["bn.weight"].copy_(rand([16]).Add(0.5));
        state["bn.bias"].copy_(randn([16]));
        state["classifier.bias"].copy_(randn([4]));
        for (var i = 0; i < 5; i++)
        {
            classifier.forward(randn([32, 16]).Add(0.5)); // running statistics that are neither 0 nor 1
        }

        classifier.eval();
        double[] Values(string name) => [.. state[name].data<float>().ToArray().Select(v => (double)v)];
        double[] scale = [.. Values("bn.weight").Zip(Values("bn.running_var"), (gamma, variance) => gamma / Math.Sqrt(variance + 1e-5))];
        double[] shift = [.. Values("bn.bias").Zip(Values("bn.running_mean"), scale).Select(v => v.First - (v.Second * v.Third))];
        float[] weight = [.. state["classifier.weight"].data<float>()], bias = [.. state["classifier.bias"].data<float>()];
        OnnxHead plain = new(weight, bias, OnnxUnitLength.Joined, ["a", "b", "c", "d"]);
        string file = _folder.File("folded.onnx"), unfolded = _folder.File("unfolded.onnx");
        OnnxExporter.Write(file, [encoder], plain.After(scale, shift));
        OnnxExporter.Write(unfolded, [encoder], plain);
        var input = OnnxModel.Input(encoder, 3);
        var expected = classifier.forward(encoder.Features(input));
        OnnxModel.Near(expected, OnnxModel.Run(file, ("audio", input))["logits"]);
        Assert.True(OnnxModel.Difference(expected, OnnxModel.Run(unfolded, ("audio", input))["logits"]) > 0.01);
    }

    [Fact]
    public void Write_OneWeightChangedInTheFile_IsSeenByTheComparison()
    {
        using var scope = TinyModel.Scope();
        using var model = OnnxModel.Make();
        using var encoder = EvaluationEncoder.Of(model, WeightModality.Video, WeightBranch.Teacher);
        var file = _folder.File("changed.onnx");
        OnnxExporter.Write(file, [encoder]);
        var bytes = File.ReadAllBytes(file);
        var bias = StateNames.StateDict(encoder.Network).Single(e => e.Name == "encoder.blocks.1.mlp.fc2.bias").Value;
        var at = bytes.AsSpan().IndexOf(bias.bytes);
        Assert.True(at > 0);
        BitConverter.TryWriteBytes(bytes.AsSpan(at), BitConverter.ToSingle(bytes, at) + 0.01f);
        File.WriteAllBytes(file, bytes);
        var input = OnnxModel.Input(encoder, 1);
        Assert.True(OnnxModel.Difference(encoder.Features(input), OnnxModel.Run(file, ("video", input))["features"]) > 10 * OnnxModel.Tolerance);
    }

    [Fact]
    public void Write_SharedBlocks_AreInTheFileOnce()
    {
        using var scope = TinyModel.Scope();
        var (apart, blocks) = Bytes(XkdVariant.Xkd);
        Assert.InRange(Bytes(XkdVariant.Mats).File, 1, apart - blocks);

        (long File, long Blocks) Bytes(XkdVariant variant)
        {
            using var model = OnnxModel.Make(variant);
            using var video = EvaluationEncoder.Of(model, WeightModality.Video, WeightBranch.Teacher);
        using var audio = EvaluationEncoder.Of(model, WeightModality.Audio, WeightBranch.Teacher);
            var file = _folder.File($"{variant}.onnx");
            OnnxExporter.Write(file, [video, audio]);
            Tensor frames = OnnxModel.Input(video, 1), mel = OnnxModel.Input(audio, 1);
            OnnxModel.Near(cat([video.Features(frames), audio.Features(mel)], 1), OnnxModel.Run(file, ("video", frames), ("audio", mel))["features"]);
            return (new FileInfo(file).Length, StateNames.Parameters(audio.Network.Blocks).Sum(p => p.Value.numel() * sizeof(float)));
        }
    }

    [Fact]
    public void Write_TheFile_SaysOpset17AnyBatchAndWhatItsInputsAre()
    {
        using var scope = TinyModel.Scope();
        using var model = OnnxModel.Make();
        using var encoder = EvaluationEncoder.Of(model, WeightModality.Video, WeightBranch.Teacher);
        var file = _folder.File("said.onnx");
        OnnxExporter.Write(file, [encoder], new OnnxHead(new float[32], new float[2], OnnxUnitLength.None, ["cat", "dög"]), frameSize: 24);
        var fields = Fields(File.ReadAllBytes(file));
        Assert.Equal(8, Assert.Single(fields, f => f.Number == 1).Value); // ir_version
        var opset = Assert.Single(fields, f => f.Number == 8);
        Assert.Equal(17, Assert.Single(Fields(opset.Bytes), f => f.Number == 2).Value);

        using InferenceSession session = new(file);
        var input = Assert.Single(session.InputMetadata);
        Assert.Equal(("video", "N"), (input.Key, input.Value.SymbolicDimensions[0]));
        Assert.Equal([-1, 3, 4, 24, 24], input.Value.Dimensions);
        Assert.Equal([-1, 16], session.OutputMetadata["features"].Dimensions);
        Assert.Equal([-1, 2], session.OutputMetadata["logits"].Dimensions);
        Assert.Equal("xkd", session.ModelMetadata.ProducerName);
        var said = session.ModelMetadata.CustomMetadataMap;
        var description = JsonSerializer.Deserialize<EncoderSection>(said["xkd.video"])!;
        Assert.Equal((24, 4, -4.0, 2.0), (description.Size, description.Frames, description.MelMean, description.MelStd));
        Assert.Equal(["cat", "dög"], JsonSerializer.Deserialize<string[]>(said["xkd.classes"])!);
        Assert.Equal([0.485f, 0.456f, 0.406f], JsonSerializer.Deserialize<float[]>(said["xkd.frame_mean"])!);
        Assert.Equal([0.229f, 0.224f, 0.225f], JsonSerializer.Deserialize<float[]>(said["xkd.frame_std"])!);
    }

    [Fact]
    public void Write_WhatDoesNotFit_IsRefusedWithTheFix()
    {
        using var scope = TinyModel.Scope();
        using var model = OnnxModel.Make();
        using var video = EvaluationEncoder.Of(model, WeightModality.Video, WeightBranch.Teacher);
        using var audio = EvaluationEncoder.Of(model, WeightModality.Audio, WeightBranch.Teacher);
        OnnxHead head = new(new float[32], new float[2], OnnxUnitLength.None, ["a", "b"]);
        Refused("one of video, one of audio, or both", []);
        Refused("2 encoders of video", [video, video]);
        Refused("a frame size of 24 means nothing for an encoder of audio", [audio], frameSize: 24);
        Refused("4x20x20 is not a whole number of 2x8x8 cuboids", [video], frameSize: 20);
        Refused("needs 64 weights and 2 biases, got 32 and 2", [video, audio], head);
        Assert.Contains("15 scales", Assert.Throws<UsageException>(() => head.After(new double[15], new double[15])).Message, StringComparison.Ordinal);
        Directory.CreateDirectory(_folder.File("taken.onnx"));
        var failed = Assert.Throws<FailureException>(() => OnnxExporter.Write(_folder.File("taken.onnx"), [video]));
        Assert.Contains("taken.onnx cannot be written", failed.Message, StringComparison.Ordinal);
        Assert.Equal(["taken.onnx"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(path => Path.GetFileName(path)));

        void Refused(string why, EvaluationEncoder[] encoders, OnnxHead? head = null, int? frameSize = null)
        {
            var refused = Assert.Throws<UsageException>(() => OnnxExporter.Write(_folder.File("refused.onnx"), encoders, head, frameSize));
            Assert.Contains(why, refused.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(600_000_000, 1, "tensor0 [600000000] takes 2400000000 bytes")]
    [InlineData(300_000_000, 2, "export each encoder to a file of its own")]
    public void Write_MoreThanTheFormatHolds_IsRefusedBeforeAnyByte(long values, int tensors, string why)
    {
        using var scope = TinyModel.Scope();
        OnnxGraph graph = new();
        for (var i = 0; i < tensors; i++)
        {
            graph.Constant($"tensor{i}", zeros([1]).expand(values)); // takes no memory
        }

        using MemoryStream stream = new();
        Assert.Contains(why, Assert.Throws<UsageException>(() => graph.Write(stream, new ProtoMessage())).Message, StringComparison.Ordinal);
        Assert.Equal(0, stream.Length);
    }

    public void Dispose() => _folder.Dispose();

    private static List<(int Number, long Value, byte[] Bytes)> Fields(byte[] message)
    {
        List<(int, long, byte[])> fields = [];
        using CodedInputStream input = new(message);
        for (var tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            var isNumber = WireFormat.GetTagWireType(tag) == WireFormat.WireType.Varint;
            fields.Add((WireFormat.GetTagFieldNumber(tag), isNumber ? input.ReadInt64() : 0, isNumber ? [] : input.ReadBytes().ToByteArray()));
        }

        return fields;
    }
}
