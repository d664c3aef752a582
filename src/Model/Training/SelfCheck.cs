using Xkd.Model.Method;
using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

/// <summary>
/// Steps of a small XKD on a device beside the same in float32 on the CPU, term by term. Both begin with the same weights and see the same batches: what
/// differs is the rounding, or the device computes something else.
/// </summary>
public static class SelfCheck
{
    /// <summary>How many steps it takes unless told otherwise.</summary>
    public const int Steps = 20;

    private const int Batch = 8, Batches = 4;
    private const ulong Seed = 1;

    // Of the larger of a value and 1: alignment is a difference of kernels' means of that size. float32: rounding of some 50 layers, sqrt(2^8 products) * 2^-24
    // each, is 5e-5; what AdamW makes of gradients that are rounding alone weighs more, 20 whole steps of lr, 2e-3 beside weights of 0.1 to 1. bfloat16:
    // operands are rounded to 2^-9, 2e-3, and a term is a mean over a batch of products of them; the norm of a gradient goes through both passes.
    private static readonly (Precision Precision, double Tolerance)[] Checked = [(Precision.Float32, 2e-3), (Precision.Bfloat16, 1e-2)];

    /// <summary>A small XKD of every part: masked reconstruction, distillation, alignment, refinement.</summary>
    public static PretrainConfig Config { get; } = new()
    {
        Batch = Batch,
        Data = new DataSection { GlobalFrames = 8, GlobalSize = 48, Mels = 16, GlobalMelFrames = 64, LocalFrames = 4, LocalSize = 32, LocalMelFrames = 32 },
        Model = new ModelSection
        {
            Encoder = new TransformerSection { Dim = 64, Depth = 2, Heads = 2 },
            Decoder = new TransformerSection { Dim = 32, Depth = 1, Heads = 2 },
            Projector = new ProjectorSection { Out = 256, Hidden = 128, Bottleneck = 64 },
        },
        Objective = new ObjectiveSection { MaskVideo = 0.5, MaskAudio = 0.5 },
    };

    /// <summary>The rows of the comparison, precision by precision.</summary>
    /// <param name="device">What is checked, as on the command line.</param>
    /// <param name="steps">How many are taken.</param>
    /// <exception cref="Storage.UsageException">There is no such device.</exception>
    public static Task<IReadOnlyList<SelfCheckRow>> RunAsync(string device, int steps = Steps) => OwnThread.RunAsync(() =>
    {
        Devices.SetThreads(0);
        return Run(Devices.Parse(device), steps);
    });

    /// <param name="device">What is checked.</param>
    /// <param name="steps">How many are taken.</param>
    /// <param name="learningRate">Of the device's steps; another than the default shows that a wrong step is noticed.</param>
    internal static IReadOnlyList<SelfCheckRow> Run(Device device, int steps = Steps, double learningRate = 1e-4)
    {
        using var scope = NewDisposeScope();
        var (learned, expected) = Train(CPU, Precision.Float32, steps, 1e-4);
        List<SelfCheckRow> rows = [];
        foreach (var (precision, tolerance) in Checked)
        {
            var (_, found) = Train(device, precision, steps, learningRate);
            foreach (var term in learned)
            {
                double Mean(IReadOnlyList<IReadOnlyDictionary<string, double>> all) => all.Average(values => values[term]);
                rows.Add(new SelfCheckRow(precision, term, expected[0][term], found[0][term], Mean(expected), Mean(found), tolerance));
            }
        }

        return rows;
    }

    private static (IReadOnlyList<string> Learned, IReadOnlyList<IReadOnlyDictionary<string, double>> Steps) Train(
        Device device, Precision precision, int steps, double learningRate)
    {
        var config = Config with { Train = Config.Train with { Precision = precision } };
        using var scope = NewDisposeScope();
        using XkdModel model = new(config, Seed, device);
        using XkdStep step = new(model);
        var schedule = new TrainingSchedule(config, stepsPerEpoch: steps).At(0) with { LearningRate = learningRate };
        XkdInput[] batches = [.. Enumerable.Range(0, Batches).Select(n => XkdInput.Random(config, Batch, Seed + (ulong)n, device))];
        List<StepScalars> scalars = [];
        for (var i = 0; i < steps; i++)
        {
            scalars.Add(step.Run(batches[i % Batches], schedule));
        }

        var (learned, values) = (scalars[0].Learned, StepScalars.Read(scalars));
        scalars.ForEach(s => s.Dispose());
        return (learned, values);
    }
}

/// <summary>One scalar of the steps on a device beside the CPU's in float32.</summary>
/// <param name="Precision">What the device computed products in.</param>
/// <param name="Term">Name of the scalar, as in <c>metrics.jsonl</c>.</param>
/// <param name="FirstExpected">Of the first step, on the CPU.</param>
/// <param name="First">Of the first step, on the device.</param>
/// <param name="MeanExpected">Mean over the steps, on the CPU.</param>
/// <param name="Mean">Mean over the steps, on the device.</param>
/// <param name="Tolerance">Largest gap, relative to the value or to 1, whichever is larger.</param>
public sealed record SelfCheckRow(Precision Precision, string Term, double FirstExpected, double First, double MeanExpected, double Mean, double Tolerance)
{
    /// <summary>The larger gap of the first step and of the mean, relative.</summary>
    public double Gap => Math.Max(Relative(FirstExpected, First), Relative(MeanExpected, Mean));

    public bool Ok => Gap <= Tolerance; // false where something is not a number

    private static double Relative(double expected, double found) => Math.Abs(found - expected) / Math.Max(1, Math.Abs(expected));
}
