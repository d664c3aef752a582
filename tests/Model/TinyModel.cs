using Xkd.Model.Native;
using Xkd.Model.Networks;
using Xkd.Model.Objectives;
using Xkd.Model.Optimization;
using static TorchSharp.torch;

namespace Xkd.Model.Tests;

/// <summary>A model small enough for a test, with batches to feed it.</summary>
internal static class TinyModel
{
    static TinyModel()
    {
        LibTorch.Load();
        set_num_threads(1);
    }

    /// <summary>A scope for a test's tensors; loads libtorch first.</summary>
    public static TorchSharp.DisposeScope Scope() => NewDisposeScope();

    public static XkdOptions Options(XkdVariant variant = XkdVariant.Xkd) => new()
    {
        Variant = variant,
        Video = new VideoGeometry { Frames = 4, Height = 16, Width = 16, PatchFrames = 2, PatchHeight = 8, PatchWidth = 8 },
        Audio = new AudioGeometry { Mels = 8, Frames = 16, PatchMels = 4, PatchFrames = 4 },
        Student = new TransformerOptions { Dim = 16, Depth = 2, Heads = 2 },
        Teacher = new TransformerOptions { Dim = 16, Depth = 2, Heads = 2 },
        Decoder = new TransformerOptions { Dim = 8, Depth = 1, Heads = 2 },
        Projector = new ProjectorOptions { OutDim = 12, HiddenDim = 16, BottleneckDim = 8 },
        VideoMaskRatio = 0.5,
        AudioMaskRatio = 0.5,
    };

    public static XkdInput Input(XkdOptions options, ulong seed)
    {
        const int Batch = 2;
        using var generator = new Generator(seed, CPU);
        Tensor Normal(params long[] shape) => randn(shape, generator: generator);
        Tensor Uniform(params long[] shape) => rand(shape, generator: generator);
        return new XkdInput(
            [Normal(Batch, 3, options.Video.Frames, options.Video.Height, options.Video.Width), Normal(Batch, 3, 2, 8, 8)],
            [Normal(Batch, 1, options.Audio.Mels, options.Audio.Frames), Normal(Batch, 1, options.Audio.Mels, 8)],
            Uniform(Batch, options.Video.Tokens), Uniform(Batch, options.Audio.Tokens));
    }

    public static StepSchedule Schedule() => new()
    {
        LearningRate = 1e-3,
        WeightDecay = 0.3,
        VideoEma = 0.9,
        AudioEma = 0.8,
        Temperatures = KdTemperatures.Published,
    };
}
