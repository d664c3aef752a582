using Xkd.Model.Evaluation;
using Xkd.Model.Method;
using Xkd.Model.Training;
using Xkd.Model.Weights;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Training;

/// <summary>Runs that begin with weights of another: what is taken, what is resized, what stays as drawn, and what is refused.</summary>
[Collection(nameof(AloneCollection))]
public sealed class StartingWeightsTests
{
    private const ulong Seed = 99;

    [Fact]
    public async Task Train_WeightsOfARun_BeginsWhereThatEndedAndGoesOnWithThemOnly()
    {
        using var small = await RunAsync();
        await TrainAsync(small, "second", ResumeMode.Never, "first");
        var origin = new RunFolder(small.Run("second")).ReadOrigin()!;
        Assert.Equal([small.Run("first")], origin.Weights.Keys);

        using var expected = Model(SmallRun.Config());
        var lines = StartingWeights.Apply(expected, [small.Run("first")]);
        Assert.Equal(Tensors(small.Run("first")), Values(expected));
        Assert.StartsWith($"weights: {Values(expected).Count} taken from ", Assert.Single(lines), StringComparison.Ordinal);

        // The same weights or none: the run goes on. Others are another run's.
        await TrainAsync(small, "second", ResumeMode.Required, "first");
        await TrainAsync(small, "second", ResumeMode.Required);
        var error = await Assert.ThrowsAsync<UsageException>(() => TrainAsync(small, "second", ResumeMode.Required, "second"));
        Assert.Contains("was started from", error.Message, StringComparison.Ordinal);
        error = await Assert.ThrowsAsync<UsageException>(() => TrainAsync(small, "first", ResumeMode.Required, "second"));
        Assert.Contains("was started from values drawn by its seed", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(WeightModality.Video, "vid")]
    [InlineData(WeightModality.Audio, "aud")]
    public async Task Apply_OneEncodersExport_StartsBothBranchesOfItsModality(WeightModality modality, string prefix)
    {
        using var small = await RunAsync();
        var file = Path.Combine(small.Root, "teacher.safetensors");
        Export(small.Run("first"), file, modality);
        using XkdModel model = Model(SmallRun.Config()), drawn = Model(SmallRun.Config());
        StartingWeights.Apply(model, [file]);
        Dictionary<string, float[]> teacher = Tensors(small.Run("first")), started = Values(model), before = Values(drawn);
        foreach (var (name, value) in started)
        {
            var own = name.StartsWith(prefix, StringComparison.Ordinal) && name.Contains(".backbone.", StringComparison.Ordinal);
            Assert.Equal(own ? teacher[name.Replace("_student.", "_teacher.", StringComparison.Ordinal)] : before[name], value);
        }

        Assert.Contains("name each encoder once", Assert.Throws<UsageException>(() => StartingWeights.Apply(model, [file, file])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Apply_LongerAndLargerViews_ResamplesThePositionsAsTheNetworksDo()
    {
        using var small = await RunAsync();
        var config = SmallRun.Config();
        config = config with { Data = config.Data with { GlobalFrames = 16, GlobalMelFrames = 128 } };
        using XkdModel model = Model(config), source = Model(SmallRun.Config());
        StartingWeights.Apply(source, [small.Run("first")]);
        var lines = StartingWeights.Apply(model, [small.Run("first")]);
        Assert.Contains(lines, line => line.Contains("6 resampled", StringComparison.Ordinal) && line.Contains("vid_student.backbone.enc_pos_embed", StringComparison.Ordinal));
        using var scope = NewDisposeScope();
        var video = zeros([1, 3, 16, config.Data.GlobalSize, config.Data.GlobalSize]);
        var audio = zeros([1, 1, config.Data.Mels, 128]);
        Assert.Equal(Array(source.VideoStudent.Backbone.PositionsFor(video)), Array(model.VideoStudent.Backbone.PositionTable));
        Assert.Equal(Array(source.AudioTeacher.Backbone.PositionsFor(audio)), Array(model.AudioTeacher.Backbone.PositionTable));
        Assert.Equal(Values(source)["vid_student.backbone.encoder.blocks.0.attn.qkv.weight"], Values(model)["vid_student.backbone.encoder.blocks.0.attn.qkv.weight"]);
    }

    [Theory]
    [InlineData(XkdVariant.Xkd, XkdVariant.Mas)]
    [InlineData(XkdVariant.Mas, XkdVariant.Xkd)]
    [InlineData(XkdVariant.Mats, XkdVariant.Xkd)]
    public async Task Apply_OtherVariant_TakesTheBlocksThatItHas(XkdVariant from, XkdVariant to)
    {
        using var small = await RunAsync(from);
        using var model = Model(SmallRun.Config(to));
        StartingWeights.Apply(model, [small.Run("first")]);
        Dictionary<string, float[]> source = Tensors(small.Run("first")), started = Values(model);
        const string Block = "backbone.encoder.blocks.0.mlp.fc1.weight";
        Assert.Equal(source["vid_student." + Block], started["vid_student." + Block]);
        if (to == XkdVariant.Xkd)
        {
            Assert.Equal(source["vid_student." + Block], started["aud_student." + Block]); // both modalities' once
        }
    }

    [Fact]
    public async Task Apply_EncoderOfAnotherSize_IsRefusedAndNothingIsChanged()
    {
        using var small = await RunAsync();
        var config = SmallRun.Config();
        using var wide = Model(config with { Model = config.Model with { Encoder = config.Model.Encoder with { Dim = 2 * config.Model.Encoder.Dim } } });
        using var deep = Model(config with { Model = config.Model with { Encoder = config.Model.Encoder with { Depth = 2 } } });
        using var classless = Model(config with { Model = config.Model with { ClassToken = false } });
        using var fine = Model(config with { Model = config.Model with { VideoPatch = [2, 4, 4] } });
        foreach (var (model, key, tensor) in new[]
        {
            (wide, "model.encoder", "vid_teacher.backbone.cls_token F32 [1, 1, 16] does not fit the model's vid_teacher.backbone.cls_token [1, 1, 32]"),
            (deep, "model.encoder", "vid_teacher.backbone.encoder.blocks.1.norm1.weight is missing"),
            (classless, "model.class_token", "vid_teacher.backbone.cls_token is not part of this model"),
            (fine, "model.video_patch", "vid_teacher.backbone.cuboid_embed.proj.weight F32 [16, 384] does not fit the model's vid_teacher.backbone.cuboid_embed.proj.weight [16, 96]"),
        })
        {
            var before = Values(model);
            var error = Assert.Throws<UsageException>(() => StartingWeights.Apply(model, [small.Run("first")]));
            Assert.All(["Nothing was loaded", key, tensor], part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
            Assert.Equal(before, Values(model));
        }
    }

    [Fact]
    public async Task Apply_TensorOfATypeThatLibtorchHasNot_IsRefused()
    {
        using var small = await RunAsync();
        var file = Path.Combine(small.Root, "odd.safetensors");
        Export(small.Run("first"), file, WeightModality.Video, tensor => tensor.Name == "encoder_norm.weight" ? tensor with { Dtype = "U16", Data = tensor.Data[..(tensor.Data.Length / 2)] } : tensor);
        using var model = Model(SmallRun.Config());
        var error = Assert.Throws<UsageException>(() => StartingWeights.Apply(model, [file]));
        Assert.Contains("encoder_norm.weight U16 [16] does not fit", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Apply_HeadsOfAnotherSize_StayAsDrawn()
    {
        using var small = await RunAsync();
        var config = SmallRun.Config();
        config = config with { Model = config.Model with { Projector = config.Model.Projector with { Out = 2 * config.Model.Projector.Out } } };
        using XkdModel model = Model(config), drawn = Model(config);
        var lines = StartingWeights.Apply(model, [small.Run("first")]);
        Assert.Contains(lines, line => line.Contains("left as the seed drew them: vid_teacher.head", StringComparison.Ordinal));
        Assert.Equal(Values(drawn)["vid_student.head.last_layer.weight_v"], Values(model)["vid_student.head.last_layer.weight_v"]);
    }

    [Theory]
    [InlineData(WeightModality.Video, WeightBranch.Teacher)]
    [InlineData(WeightModality.Video, WeightBranch.Student)]
    [InlineData(WeightModality.Audio, WeightBranch.Teacher)]
    [InlineData(WeightModality.Audio, WeightBranch.Student)]
    public async Task Apply_PyTorchFilesOrARun_GivesTheFeaturesOfTheWeights(WeightModality modality, WeightBranch branch)
    {
        // Files that PyTorch wrote, each with one encoder in the official layout.
        string[] files = [GoldenFiles.PyTorch("vit_video_cls.zip.pth.tar"), GoldenFiles.PyTorch("vit_audio_cls.zip.pth.tar")];
        var config = SmallRun.Config();
        var official = config with
        {
            Data = config.Data with { GlobalSize = 32 },
            Model = config.Model with { AudioPatch = [4, 8], Encoder = new TransformerSection { Dim = 48, Depth = 2, Heads = 4 } },
        };
        RequireSame(official, files, EvaluationEncoder.WeightsFor(files, modality));
        using var small = await RunAsync();
        RequireSame(config, [small.Run("first")], small.Run("first"));

        void RequireSame(PretrainConfig config, string[] weights, string file)
        {
            using var scope = NewDisposeScope();
            using var unrecorded = no_grad();
            var model = Model(config);
            using FrozenEncoder owner = new(model, config, melMean: 0, melStd: 1, string.Empty);
            using var started = EvaluationEncoder.Of(owner, modality, branch);
            using var expected = EvaluationEncoder.Open(file, modality, branch, EncoderDescription.Of(config, 0, 1), CPU);
            var input = modality == WeightModality.Video ? randn([2, 3, 8, config.Data.GlobalSize, config.Data.GlobalSize]) : randn([2, 1, config.Data.Mels, config.Data.GlobalMelFrames]);
            Assert.NotEqual(Array(expected.Features(input)), Array(started.Features(input)));
            StartingWeights.Apply(model, weights);
            Assert.Equal(Array(expected.Features(input)), Array(started.Features(input)));
        }
    }

    [Fact]
    public async Task Train_StartedFromWeightsAndStopped_ResumesToTheLastBit()
    {
        using var small = await RunAsync();
        await TrainAsync(small, "whole", ResumeMode.Never, "first", steps: 5);
        await TrainAsync(small, "drawn", ResumeMode.Never, steps: 5);
        foreach (var stop in new[] { 1, 4 })
        {
            var run = $"stopped{stop}";
            await TrainAsync(small, run, ResumeMode.Never, "first", stop);
            await TrainAsync(small, run, ResumeMode.Required, stop == 1 ? null : "first", steps: 5);
            Assert.Equal(Losses(run), Losses("whole"));
            Assert.Equal(Tensors(small.Run("whole")), Tensors(small.Run(run)));
        }

        Assert.NotEqual(Losses("drawn"), Losses("whole")); // it does begin with the weights

        double[] Losses(string run) => [.. small.Metrics(run).SelectMany(step => step.Scalars.Values)];
    }

    [Fact]
    public void FromOfficial_TheConfiguration_HasTheNetworksOfTheReleasedWeights()
    {
        var config = PretrainConfig.Load(Path.Combine(RepositoryRoot.Path, "configs", "pretrain", "from_official.yaml"));
        Assert.Equal(MelNormalization.Released, config.Data.MelNormalization);
        Assert.Equal(396.374, ModelCost.Of(config).Total / 1e6, 3); // with teachers, decoders and projectors, as released
        using var scope = NewDisposeScope();
        using VideoViT video = new(config.VideoGeometry, config.Model.Encoder, config.Model.ClassToken);
        Require(video, "cuboid_embed", tokens: 8 * 7 * 7, values: 3 * 4 * 16 * 16);
        using AudioViT audio = new(config.AudioGeometry, config.Model.Encoder, config.Model.ClassToken);
        Require(audio, "patch_embed", tokens: 20 * 28, values: 4 * 16);

        static void Require(ViT network, string embed, long tokens, long values)
        {
            const long Dim = 768;
            SortedDictionary<string, string> expected = new(StringComparer.Ordinal)
            {
                ["cls_token"] = Text(1, 1, Dim), ["enc_pos_embed"] = Text(1, 1 + tokens, Dim), [embed + ".proj.weight"] = Text(Dim, values), [embed + ".proj.bias"] = Text(Dim),
                ["encoder_norm.weight"] = Text(Dim), ["encoder_norm.bias"] = Text(Dim),
            };
            foreach (var block in Enumerable.Range(0, 12).Select(b => $"encoder.blocks.{b}."))
            {
                foreach (var (name, shape) in new (string, long[])[]
                {
                    ("norm1.weight", [Dim]), ("norm1.bias", [Dim]), ("attn.qkv.weight", [3 * Dim, Dim]), ("attn.proj.weight", [Dim, Dim]), ("attn.proj.bias", [Dim]),
                    ("norm2.weight", [Dim]), ("norm2.bias", [Dim]), ("mlp.fc1.weight", [4 * Dim, Dim]), ("mlp.fc1.bias", [4 * Dim]), ("mlp.fc2.weight", [Dim, 4 * Dim]),
                    ("mlp.fc2.bias", [Dim]),
                })
                {
                    expected[block + name] = Text(shape);
                }
            }

            SortedDictionary<string, string> made = new(StateNames.StateDict(network).ToDictionary(e => e.Name, e => Text(e.Value.shape)), StringComparer.Ordinal);
            Assert.Equal(expected, made);
        }

        static string Text(params long[] shape) => string.Join(" x ", shape);
    }

    private static async Task<SmallRun> RunAsync(XkdVariant variant = XkdVariant.Xkd)
    {
        SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        await small.TrainAsync(SmallRun.Config(variant), "first", 2);
        return small;
    }

    private static Task TrainAsync(SmallRun small, string run, ResumeMode resume, string? weights = null, int steps = 1) => new Trainer(
        new TrainerOptions
        {
            Config = SmallRun.Config(), Data = [small.Cache], Out = small.Run(run), MaxSteps = steps, Resume = resume, Device = "cpu", Weights = weights is null ? [] : [small.Run(weights)],
        },
        TimeProvider.System, new SmallRun.Notes()).RunAsync(CancellationToken.None);

    private static XkdModel Model(PretrainConfig config) => new(config, Seed, Devices.Parse("cpu"));

    private static void Export(string run, string file, WeightModality modality, Func<WeightTensor, WeightTensor>? change = null)
    {
        var weights = WeightImporter.Read(run, new WeightImportOptions { Modality = modality, Branch = WeightBranch.Teacher });
        using var stream = File.Create(file);
        SafetensorsWriter.Write(stream, [.. weights.Tensors.Select(tensor => change?.Invoke(tensor) ?? tensor)]);
    }

    private static Dictionary<string, float[]> Tensors(string run) =>
        WeightImporter.Read(run).Tensors.ToDictionary(t => t.Name, t => Array(TensorBytes.ToTensor(t)), StringComparer.Ordinal);

    // Once each, as a checkpoint holds them.
    private static Dictionary<string, float[]> Values(XkdModel model)
    {
        HashSet<nint> seen = [];
        return StateNames.StateDict(model).Where(e => seen.Add(e.Value.Handle)).ToDictionary(e => e.Name, e => Array(e.Value), StringComparer.Ordinal);
    }

    private static float[] Array(Tensor tensor)
    {
        using var whole = tensor.detach().contiguous();
        return whole.data<float>().ToArray();
    }
}
