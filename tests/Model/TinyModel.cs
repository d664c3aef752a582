using Xkd.Model.Method;
using Xkd.Model.Torch;
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

    public static PretrainConfig Config(XkdVariant variant = XkdVariant.Xkd) => new()
    {
        Variant = variant,
        Data = new DataSection { GlobalFrames = 4, GlobalSize = 16, Mels = 8, GlobalMelFrames = 16, LocalFrames = 2, LocalSize = 8, LocalMelFrames = 8 },
        Model = new ModelSection
        {
            VideoPatch = [2, 8, 8],
            AudioPatch = [4, 4],
            Encoder = new TransformerSection { Dim = 16, Depth = 2, Heads = 2 },
            Decoder = new TransformerSection { Dim = 8, Depth = 1, Heads = 2 },
            Projector = new ProjectorSection { Out = 12, Hidden = 16, Bottleneck = 8 },
        },
        Objective = new ObjectiveSection { MaskVideo = 0.5, MaskAudio = 0.5 },
    };

    /// <summary>The same with another objective.</summary>
    public static PretrainConfig With(this PretrainConfig config, Func<ObjectiveSection, ObjectiveSection> objective) => config with { Objective = objective(config.Objective) };

    /// <summary>The same with another precision of the forward pass.</summary>
    public static PretrainConfig In(this PretrainConfig config, Precision precision) => config with { Train = config.Train with { Precision = precision } };

    public static XkdInput Input(PretrainConfig config, ulong seed) => XkdInput.Random(config, 2, seed, CPU);

    public static StepSchedule Schedule() => new()
    {
        LearningRate = 1e-3,
        WeightDecay = 0.3,
        VideoEma = 0.9,
        AudioEma = 0.8,
        Temperatures = KdTemperatures.Published,
    };
}
