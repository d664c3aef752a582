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
        foreach (var model in new[] { wide, deep, classless })
        {
            var before = Values(model);
            var error = Assert.Throws<UsageException>(() => StartingWeights.Apply(model, [small.Run("first")]));
            Assert.Contains("Nothing was loaded", error.Message, StringComparison.Ordinal);
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

    private static async Task<SmallRun> RunAsync(XkdVariant variant = XkdVariant.Xkd)
    {
        SmallRun small = new();
        await small.AddClipsAsync(0, 7);
        await small.TrainAsync(SmallRun.Config(variant), "first", 2);
        return small;
    }

    private static Task TrainAsync(SmallRun small, string run, ResumeMode resume, string? weights = null) => new Trainer(
        new TrainerOptions
        {
            Config = SmallRun.Config(), Data = [small.Cache], Out = small.Run(run), MaxSteps = 1, Resume = resume, Device = "cpu", Weights = weights is null ? [] : [small.Run(weights)],
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
