using System.Text.Json;
using Xkd.Model.Tests.Training;
using Xkd.Model.Weights;
using Xkd.Storage;

namespace Xkd.Model.Tests.Weights;

public sealed class WeightImporterTests
{
    [Theory]
    [InlineData("vit_audio_cls.zip.pth.tar", WeightModality.Audio)]
    [InlineData("vit_audio_cls.legacy.pth.tar", WeightModality.Audio)]
    [InlineData("vit_audio_cls.training_checkpoint.pth.tar", WeightModality.Audio)]
    [InlineData("vit_video_cls.zip.pth.tar", WeightModality.Video)]
    public void Read_ReleasedFile_GivesCanonicalNamesAndModality(string file, WeightModality modality)
    {
        var weights = WeightImporter.Read(GoldenFiles.PyTorch(file));

        Assert.Equal(modality, weights.Modality);
        Assert.Equal(28, weights.Tensors.Count);
        Assert.Empty(weights.Dropped);
        Assert.Contains(weights.Tensors, tensor => tensor.Name == "encoder.blocks.1.mlp.fc2.bias");
        Assert.Contains(weights.Tensors, tensor => tensor.Name == (modality == WeightModality.Video ? "cuboid_embed.proj.weight" : "patch_embed.proj.weight"));
        Assert.Equal(64, weights.Sha256.Length);
    }

    [Theory]
    [InlineData("", "holds no tensor")]
    [InlineData("a:[2]:0,7FC00000", "the tensor a F32 [2] has values that are not finite")]
    [InlineData("a:[9]:0,0,0,0,0,0,0,0,FF800000", "the tensor a F32 [9] has values that are not finite")]
    [InlineData("a:[1]:0 b:[0, 4]:", "the tensor b F32 [0, 4] has no values")]
    [InlineData("a:[0, 4611686018427387904, 4]:", "has no values")]
    [InlineData("a:[4611686018427387904, 4611686018427387904, 0]:", "unreadable safetensors header")]
    [InlineData("a:[-1, -1]:0", "a has a negative dimension")]
    [InlineData("a:[2]:0", "do not hold F32 [2]")]
    public void Read_WhatNoNetworkCanTake_IsRefusedNamingFileAndTensor(string tensors, string expected)
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("w.safetensors");
        List<byte> data = [];
        List<string> header = [];
        foreach (var tensor in tensors.Split(' ').Aggregate(new List<string>(), Join).Select(t => t.Split(':')))
        {
            byte[] bytes = [.. tensor[2].Split(',', StringSplitOptions.RemoveEmptyEntries).SelectMany(v => BitConverter.GetBytes(Convert.ToUInt32(v, 16)))];
            header.Add($"\"{tensor[0]}\": {{\"dtype\": \"F32\", \"shape\": {tensor[1]}, \"data_offsets\": [{data.Count}, {data.Count + bytes.Length}]}}");
            data.AddRange(bytes);
        }

        var json = System.Text.Encoding.UTF8.GetBytes($"{{{string.Join(", ", header)}}}");
        File.WriteAllBytes(file, [.. BitConverter.GetBytes((long)json.Length), .. json, .. data]);
        var message = Assert.Throws<FailureException>(() => WeightImporter.Read(file, new WeightImportOptions { AnyTensors = true })).Message;
        Assert.StartsWith(file, message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);

        // Shapes have spaces, too.
        static List<string> Join(List<string> parts, string part)
        {
            if (part.Length > 0 && parts.Count > 0 && !part.Contains('[', StringComparison.Ordinal))
            {
                parts[^1] += " " + part;
            }
            else if (part.Length > 0)
            {
                parts.Add(part);
            }

            return parts;
        }
    }

    [Fact]
    public void Read_TwoNamesOfOneTensor_IsRefusedNamingIt()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("twice.safetensors");
        string[] names = ["cuboid_embed.proj.weight", "norm.weight", "encoder_norm.weight"];
        SafetensorsWriter.Write(file, [.. names.Select(name => WeightTensor.FromFloats(name, [1], [1]))]);
        Assert.Contains("two of its tensors become encoder_norm.weight", Assert.Throws<UsageException>(() => WeightImporter.Read(file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Require_TypeThatIsNotLoaded_IsNamed()
    {
        var error = Assert.Throws<UsageException>(() => WeightMatch.Require("w", [new WeightTensor("a", "U16", [2], new byte[4])], new Dictionary<string, long[]> { ["a"] = [2] }));
        Assert.Contains("1 of a type that libtorch has not (a U16)", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Dtypes.F64, 8, 0x7FF0000000000000L)]
    [InlineData(Dtypes.F16, 2, 0x7C00L)]
    [InlineData(Dtypes.BF16, 2, 0x7F80L)]
    [InlineData(Dtypes.F32, 4, 0xFFC00001L)]
    public void Only_OneValueOfAny_IsFoundAtEveryPlace(string dtype, int bytes, long pattern)
    {
        const int Count = 70; // beyond the widest vector
        for (var at = 0; at < Count; at++)
        {
            var data = new byte[Count * bytes];
            Assert.True(FiniteValues.Only(new WeightTensor("a", dtype, [Count], data)));
            BitConverter.GetBytes(pattern).AsSpan(0, bytes).CopyTo(data.AsSpan(at * bytes));
            Assert.False(FiniteValues.Only(new WeightTensor("a", dtype, [Count], data)));
        }
    }

    [Fact]
    public void Names_OfTheReferencesKeyMap_RoundTrip()
    {
        using var manifest = JsonDocument.Parse(File.ReadAllBytes(GoldenFiles.Path("manifest.json")));
        var golden = manifest.RootElement.GetProperty("cases").EnumerateArray().Single(entry => entry.GetProperty("id").GetString() == "eval_vit_audio");

        foreach (var pair in golden.GetProperty("key_map").EnumerateObject())
        {
            Assert.Equal(pair.Value.GetString(), WeightNames.ToEvaluation(pair.Name));
            Assert.Equal(pair.Name, WeightNames.ToCanonical(pair.Value.GetString()!, WeightModality.Audio));
            Assert.Equal(pair.Name, WeightNames.ToCanonical(pair.Name, WeightModality.Audio));
        }
    }

    [Theory]
    [InlineData("cls_token", "cls_token")]
    [InlineData("enc_pos_embed", "pos_embed")]
    [InlineData("cuboid_embed.proj.weight", "patch_embed.proj.weight")]
    [InlineData("encoder.blocks.11.attn.qkv.weight", "blocks.11.attn.qkv.weight")]
    [InlineData("encoder_norm.bias", "norm.bias")]
    public void Names_OfAVideoEncoder_RoundTrip(string canonical, string evaluation)
    {
        Assert.Equal(evaluation, WeightNames.ToEvaluation(canonical));
        Assert.Equal(canonical, WeightNames.ToCanonical(evaluation, WeightModality.Video));
        Assert.Equal(canonical, WeightNames.ToCanonical(canonical, WeightModality.Video));
    }

    [Theory]
    [InlineData("vit_audio_cls.zip.pth.tar")]
    [InlineData("vit_video_cls.zip.pth.tar")]
    public void Read_EvaluationSpelling_GivesTheSameWeights(string file)
    {
        using var folder = new TemporaryFolder();
        var original = WeightImporter.Read(GoldenFiles.PyTorch(file));
        WeightTensor[] evaluation = [.. original.Tensors.Select(t => t with { Name = WeightNames.ToEvaluation(t.Name) }), WeightTensor.FromFloats("head.weight", [1], [0])];
        WeightExporter.Write(folder.File("eval.pth"), evaluation);

        var weights = WeightImporter.Read(folder.File("eval.pth"));

        Assert.Equal(original.Modality, weights.Modality);
        Assert.Equal(PickleReaderTests.Digest(original.Tensors), PickleReaderTests.Digest(weights.Tensors));
        Assert.Equal(["head.weight"], weights.Dropped);
    }

    [Fact]
    public void Read_WholeModel_TakesTheBranchAskedFor()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("model.safetensors");
        WeightExporter.Write(path,
        [
            WeightTensor.FromFloats("module.vid_teacher.backbone.cls_token", [1], [1]),
            WeightTensor.FromFloats("module.vid_student.backbone.cls_token", [1], [2]),
            WeightTensor.FromFloats("module.aud_teacher.backbone.cls_token", [1], [3]),
            WeightTensor.FromFloats("module.vid_teacher.head.mlp.0.bias", [1], [4]),
        ]);

        Assert.Equal([2f], Assert.Single(WeightImporter.Read(path, new() { Modality = WeightModality.Video, Branch = WeightBranch.Student }).Tensors).ToFloats());
        Assert.Equal([3f], Assert.Single(WeightImporter.Read(path, new() { Modality = WeightModality.Audio }).Tensors).ToFloats());
        Assert.Equal(4, WeightImporter.Read(path).Tensors.Count);
        Assert.Equal(3, WeightImporter.Read(path, new() { Modality = WeightModality.Audio }).Dropped.Count);
        Assert.Contains("aud_student.backbone.", Assert.Throws<UsageException>(
            () => WeightImporter.Read(path, new() { Modality = WeightModality.Audio, Branch = WeightBranch.Student })).Message);
    }

    [Theory]
    [InlineData("shared.safetensors")]
    [InlineData("shared.pth")]
    public void Read_BlocksSharedBetweenModalities_TakesThemFromTheOther(string file)
    {
        // As a checkpoint of XKD-MAS holds them: each tensor once, under its first name.
        using var folder = new TemporaryFolder();
        WeightTensor[] model =
        [
            WeightTensor.FromFloats("vid_teacher.backbone.encoder.blocks.0.norm1.weight", [1], [9]),
            WeightTensor.FromFloats("vid_student.backbone.cls_token", [1], [1]),
            WeightTensor.FromFloats("vid_student.backbone.encoder.blocks.0.norm1.weight", [1], [2]),
            WeightTensor.FromFloats("vid_student.backbone.encoder_norm.weight", [1], [3]),
            WeightTensor.FromFloats("aud_student.backbone.cls_token", [1], [4]),
            WeightTensor.FromFloats("aud_student.backbone.encoder_norm.weight", [1], [5]),
        ];
        WeightExporter.Write(folder.File(file), model);

        var audio = WeightImporter.Read(folder.File(file), new() { Modality = WeightModality.Audio, Branch = WeightBranch.Student }).Tensors;

        Assert.Equal(["cls_token", "encoder_norm.weight", "encoder.blocks.0.norm1.weight"], audio.Select(tensor => tensor.Name));
        Assert.Equal([4f, 5f, 2f], audio.Select(tensor => tensor.ToFloats()[0]));
    }

    [Fact]
    public void Read_RunFolder_TakesTheNewestCheckpoint()
    {
        using var run = new TemporaryFolder();
        var store = new CheckpointStore(run.Path);
        foreach (var step in new[] { 5, 6 })
        {
            store.Write(CheckpointStoreTests.State(step), CheckpointStoreTests.Model(step), []);
        }

        var options = new WeightImportOptions { Modality = WeightModality.Video, Branch = WeightBranch.Student };
        Assert.Equal(6f, WeightImporter.Read(run.Path, options).Tensors[0].ToFloats()[0]);
        Assert.Equal(5f, WeightImporter.Read(store.PathOf(5), options).Tensors[0].ToFloats()[0]);
        Assert.Throws<UsageException>(() => WeightImporter.Read(GoldenFiles.PyTorch(string.Empty), options));
    }

    [Fact]
    public void Read_OtherModality_IsRefused() =>
        Assert.Contains("video weights", Assert.Throws<UsageException>(
            () => WeightImporter.Read(GoldenFiles.PyTorch("vit_video_cls.zip.pth.tar"), new() { Modality = WeightModality.Audio })).Message);

    [Fact]
    public void Read_NoEncoder_IsRefused() =>
        Assert.Contains("holds no encoder", Assert.Throws<UsageException>(() => WeightImporter.Read(GoldenFiles.PyTorch("views_and_dtypes.pth.tar"))).Message);

    [Fact]
    public void Matching_EveryDifference_IsListed()
    {
        var weights = WeightImporter.Read(GoldenFiles.PyTorch("vit_audio_cls.zip.pth.tar"));
        var target = weights.Tensors.ToDictionary(tensor => tensor.Name, tensor => tensor.Shape);
        Assert.Equal(28, WeightMatch.Require(weights.Source, weights.Tensors, target).Count);

        target.Remove("cls_token");
        target["enc_pos_embed"] = [1, 65, 48];
        target["encoder.blocks.2.norm1.weight"] = [48];
        var message = Assert.Throws<UsageException>(() => WeightMatch.Require(weights.Source, weights.Tensors, target)).Message;

        Assert.Contains("1 missing (encoder.blocks.2.norm1.weight)", message);
        Assert.Contains("1 unexpected (cls_token)", message);
        Assert.Contains("1 mis-shaped (enc_pos_embed is [1, 33, 48], needed [1, 65, 48])", message);
    }

    [Fact]
    public void Read_NoEncoderButAnyTensors_TakesThemUnderTheirOwnNames()
    {
        var weights = WeightImporter.Read(GoldenFiles.PyTorch("views_and_dtypes.pth.tar"), new WeightImportOptions { AnyTensors = true });
        float[] big = [.. Enumerable.Range(0, 24).Select(i => (float)i)];
        Assert.Equal([big[8], big[9], big[10], big[14], big[15], big[16]], weights.Tensors.Single(t => t.Name == "view").ToFloats());
        Assert.Null(weights.Modality);
    }
}
