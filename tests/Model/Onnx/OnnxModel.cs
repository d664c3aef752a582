using Microsoft.ML.OnnxRuntime;
using Xkd.Model.Evaluation;
using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Model.Weights;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Onnx;

/// <summary>A tiny model every one of whose parameters matters, what runs an exported file, and how near the two must be.</summary>
internal static class OnnxModel
{
    /// <summary>
    /// Of the largest value. Each of the two blocks is some 20 operators deep, its sums have up to 64 terms whose order is the runtime's, and a norm divides
    /// by deviations that are smaller than the values by 10 at most. 2^-24 · 2 · 20 · √64 · 10 is 2e-4, were every error of one sign; a tenth is allowed.
    /// </summary>
    public const double Tolerance = 2e-5;

    /// <summary>A model whose biases, norms and class tokens are not what a fresh one has, so that leaving one out changes the features.</summary>
    public static FrozenEncoder Make(XkdVariant variant = XkdVariant.Xkd, bool classToken = true)
    {
        var config = TinyModel.Config(variant);
        config = config with { Model = config.Model with { ClassToken = classToken } };
        XkdModel model = new(config, seed: 3);
        using var scope = TinyModel.Scope();
        using var unrecorded = no_grad();
        using Generator generator = new(7);
        foreach (var (name, parameter) in StateNames.Parameters(model))
        {
            var noise = empty(parameter.shape).normal_(0, 0.3, generator);
            parameter.copy_(name.Contains("norm", StringComparison.Ordinal) && name.EndsWith("weight", StringComparison.Ordinal) ? noise.Add(1) : noise);
        }

        return new FrozenEncoder(model, config, -4, 2, "of nothing");
    }

    /// <summary>A random input of an encoder.</summary>
    public static Tensor Input(EvaluationEncoder encoder, int batch, int? frameSize = null)
    {
        using Generator generator = new(11 + (ulong)batch);
        var d = encoder.Description;
        var size = frameSize ?? d.Size;
        return encoder.Modality == WeightModality.Video
            ? randn([batch, 3, d.Frames, size, size], generator: generator)
            : randn([batch, 1, d.Mels, d.MelFrames], generator: generator);
    }

    /// <summary>Runs a file on the CPU.</summary>
    public static Dictionary<string, (long[] Shape, float[] Values)> Run(string file, params (string Name, Tensor Value)[] inputs)
    {
        using InferenceSession session = new(file);
        using RunOptions options = new();
        var values = inputs.ToDictionary(i => i.Name, i => OrtValue.CreateTensorValueFromMemory(i.Value.data<float>().ToArray(), i.Value.shape));
        using var results = session.Run(options, values, session.OutputNames);
        return session.OutputNames.Zip(results).ToDictionary(
            r => r.First, r => (r.Second.GetTensorTypeAndShape().Shape, r.Second.GetTensorDataAsSpan<float>().ToArray()));
    }

    /// <summary>The largest difference, as a share of the largest value expected. The shapes must be the same.</summary>
    public static double Difference(Tensor expected, (long[] Shape, float[] Values) got)
    {
        Assert.Equal(expected.shape, got.Shape);
        float[] values = [.. expected.data<float>()];
        return values.Zip(got.Values, (a, b) => (double)Math.Abs(a - b)).Max() / values.Max(Math.Abs);
    }

    /// <summary>Says a measured difference in the test's output and holds it to the tolerance.</summary>
    public static void Near(Tensor expected, (long[] Shape, float[] Values) got)
    {
        var difference = Difference(expected, got);
        TestContext.Current.TestOutputHelper?.WriteLine($"largest difference {difference:g3} of the largest value");
        Assert.InRange(difference, 0, Tolerance);
    }
}
