using TorchSharp;
using Xkd.Model.Method;
using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

/// <summary>Seconds of one pass of a batch through its blocks, forward and, where it is trained, backward.</summary>
public readonly record struct PassTime(double Products, double Attention, double Pointwise)
{
    public double Sum => Products + Attention + Pointwise;
}

/// <summary>What a device does in a second, as far as a training step asks for it.</summary>
public sealed record DeviceRates
{
    private const double HeadShare = 0.005, SmallProduct = 600, H200Products = 790e12, H200Bytes = 0.88 * 4.3e12;

    // Passes over float32 copies of the patches: reconstruction loss with its normalisation, forward and backward; cutting patches, picking the visible.
    // A kernel of ours reads what was predicted, in bfloat16, and the patches, forward and again backward, and writes the gradient.
    private const double LossPasses = 19, FusedLossPasses = 3.5, PatchPasses = 15;

    /// <summary>What it is called.</summary>
    public required string Name { get; init; }

    /// <summary>Large products in the step's type, FLOP a second: what MFU is a share of.</summary>
    public required double Products { get; init; }

    /// <summary>Products in float32, FLOP a second: those of the heads.</summary>
    public required double Exact { get; init; }

    /// <summary>Memory read and written by passes over large tensors, bytes a second.</summary>
    public required double Bytes { get; init; }

    /// <summary>Memory, bytes.</summary>
    public required double Memory { get; init; }

    /// <summary>Activations and products are of two bytes instead of four.</summary>
    public required bool Lower { get; init; }

    /// <summary>A step cannot be shorter than its kernels take to launch, seconds.</summary>
    public double Launches { get; init; }

    /// <summary>Time of a pass's blocks at a batch size.</summary>
    public required Func<PretrainConfig, ForwardPass, int, PassTime> Blocks { get; init; }

    /// <summary>Time of cutting patches, reconstruction losses and their backward pass at a batch size, seconds.</summary>
    public required Func<PretrainConfig, int, double> Patches { get; init; }

    /// <summary>
    /// An H200 in bfloat16, eager kernels: 790 TFLOP/s of products and 4.3 TB/s of memory (of which passes reach 88 %) were measured by others. The shares
    /// that our shapes reach are estimates: 73 % of it for students, 80 % for teachers, 67 % for decoders, attention a half percent for each value of a
    /// head's width.
    /// </summary>
    public static DeviceRates H200 { get; } = new()
    {
        Name = "h200", Products = H200Products, Exact = 60e12, Bytes = H200Bytes, Memory = 141e9, Lower = true, Launches = 0.035,
        Blocks = (config, pass, batch) =>
        {
            double rows = (double)batch * pass.Views * pass.Tokens, small = rows / (rows + SmallProduct);
            var share = pass.IsDecoder ? 0.67 : pass.Trained ? 0.73 : 0.8;
            return new PassTime(
                batch * (pass.Products - pass.Ends) * (pass.Trained ? 3 : 1) / (H200Products * share * small),
                batch * pass.Attention * (pass.Trained ? 3.5 : 1) / (H200Products * HeadShare * pass.Size.Dim / pass.Size.Heads),
                batch * PointwiseBytes(config, pass) / H200Bytes);
        },
        Patches = (config, batch) => batch * sizeof(float) * ((IsFused(config) ? FusedLossPasses : LossPasses) + PatchPasses) * PatchValues(config) / H200Bytes,
    };

    /// <summary>Values of one sample's patches, of both modalities.</summary>
    internal static double PatchValues(PretrainConfig config) =>
        ((double)config.VideoGeometry.Tokens * config.VideoGeometry.PatchDim) + ((double)config.AudioGeometry.Tokens * config.AudioGeometry.PatchDim);

    /// <summary>Rates of a device here, measured with blocks of the configuration's own shapes, on the calling thread.</summary>
    public static DeviceRates Measure(Device device, PretrainConfig config, TimeProvider time)
    {
        var onDevice = device.type == DeviceType.CUDA;
        var lower = XkdStep.Lowers(config, device);
        double Peak(ScalarType type) => MatmulPeak.Measure(device, type, time);
        var exact = Peak(ScalarType.Float32);
        using var scope = NewDisposeScope();
        var large = randn([1 << 24], device: device);
        var bytes = 2 * 4.0 * large.numel() / Seconds(device, time, () => large.neg_()); // a read and a write
        return new DeviceRates
        {
            Name = device.ToString(), Products = lower ? Peak(ScalarType.BFloat16) : exact, Exact = exact, Bytes = bytes, Lower = lower,
            Memory = onDevice ? CudaDriver.Memory().Total : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
            Blocks = (whole, pass, batch) => MeasureBlocks(device, whole, pass, batch, lower, time),
            Patches = (whole, batch) => MeasurePatches(device, whole, batch, time),
        };
    }

    private static bool IsFused(PretrainConfig config) => config.Train.Kernels != KernelChoice.Plain;

    /// <summary>
    /// Bytes that norms, residuals, GELU and casts of a sample's blocks move, in bfloat16: counted over the eager step's kernels, or over ours. Those move forward
    /// 12 a value at each norm (8 with a bfloat16 stream) and 16 at the GELU, backward 16 (8), 24, and 12 where gradients of q, k and v are stacked.
    /// </summary>
    private static double PointwiseBytes(PretrainConfig config, ForwardPass pass)
    {
        var (forward, backward) = config.Train.Kernels == KernelChoice.Narrow ? (8, 8) : (12, 16);
        return pass.TokenBlocks * pass.Size.Dim * (IsFused(config) && FusedKernels.IsFit(pass.Size.Dim)
            ? (2 * forward) + 16 + (pass.Trained ? (2 * backward) + 24 + 12 : 0)
            : 64 + (pass.Trained ? 150 : 0));
    }

    private static FusedKernels? Kernels(Device device, PretrainConfig config, int width) =>
        IsFused(config) && FusedKernels.IsFit(width) && XkdStep.Lowers(config, device) ? FusedKernels.On(device, config.Train.Kernels, width).Kernels : null;

    private static PassTime MeasureBlocks(Device device, PretrainConfig config, ForwardPass pass, int batch, bool lower, TimeProvider time)
    {
        using var scope = NewDisposeScope();
        using var casting = lower ? new Autocast(device.type).Enter() : null;
        var (size, rows) = (pass.Size, (long)batch * pass.Views);
        using Transformer blocks = new(size, device) { Kernels = Kernels(device, config, size.Dim) }; // all of them: what is kept for backward does not fit a cache
        using Initialisation initialisation = new(0);
        initialisation.Draw(blocks);
        (long In, long Out)[] sides = [(size.Dim, 3 * size.Dim), (size.Dim, size.Dim), (size.Dim, size.HiddenDim), (size.HiddenDim, size.Dim)];
        Tensor[] weights = [.. sides.Select(side => Input(side.Out, side.In))];
        Tensor x = Input(rows, pass.Tokens, size.Dim), wide = Input(rows, pass.Tokens, size.HiddenDim);
        var head = Input(rows, size.Heads, pass.Tokens, size.Dim / size.Heads);
        var all = Timed(() => [blocks.call(x)]);
        var products = Timed(() => [.. weights.Select(w => nn.functional.linear(w.shape[1] == size.Dim ? x : wide, w))]);
        var attention = Timed(() => [nn.functional.scaled_dot_product_attention(head, head, head)]);
        return new PassTime(size.Depth * products, size.Depth * attention, Math.Max(0, all - (size.Depth * (products + attention))));

        Tensor Input(params long[] shape) => randn(shape, device: device).requires_grad_(pass.Trained);

        double Timed(Func<Tensor[]> forward) => Seconds(device, time, () =>
        {
            using var inner = NewDisposeScope();
            using var unrecorded = pass.Trained ? null : no_grad();
            var outputs = forward();
            if (pass.Trained)
            {
                autograd.backward(outputs, [.. outputs.Select(y => ones_like(y))]);
            }
        });
    }

    private static double MeasurePatches(Device device, PretrainConfig config, int batch, TimeProvider time)
    {
        using var scope = NewDisposeScope();
        var input = XkdInput.Random(config, batch, seed: 0, device);
        var none = config.Model.Encoder with { Depth = 0 };
        using VideoViT video = new(config.VideoGeometry, none, device: device);
        using AudioViT audio = new(config.AudioGeometry, none, device: device);
        var sides = new (ViT Network, Tensor View, Tensor Noise)[] { (video, input.Video[0], input.VideoNoise), (audio, input.Audio[0], input.AudioNoise) };
        return Seconds(device, time, () =>
        {
            using var inner = NewDisposeScope();
            foreach (var (network, view, noise) in sides)
            {
                // Students and teachers each cut theirs.
                var patches = network.Patchify(view); // [B, N, P]
                network.Patchify(view);
                PatchReconstruction.Loss(zeros_like(patches).requires_grad_(true), patches, noise.round(), config.Objective.NormPix).backward();
            }
        });
    }

    // The median of a few runs, after one that warms up.
    private static double Seconds(Device device, TimeProvider time, Action run)
    {
        const int Runs = 5;
        var seconds = new double[Runs];
        for (var i = -1; i < Runs; i++)
        {
            var began = time.GetTimestamp();
            run();
            if (device.type == DeviceType.CUDA)
            {
                cuda.synchronize(device);
            }

            seconds[Math.Max(i, 0)] = time.GetElapsedTime(began).TotalSeconds;
        }

        return Pipeline.Samples.Median(seconds);
    }
}

/// <summary>What one part of a step costs, predicted.</summary>
/// <param name="Name">A pass of <see cref="ModelCost.Passes"/>, <c>objectives</c> or <c>update</c>.</param>
/// <param name="Time">Seconds.</param>
/// <param name="ForwardShare">Of the time, what belongs to the forward pass, 0 to 1.</param>
/// <param name="Memory">Bytes it keeps until the step is over.</param>
public sealed record PlanRow(string Name, PassTime Time, double ForwardShare, double Memory);

/// <summary>A training step predicted part by part, from the shapes of a configuration and the rates of a device.</summary>
public sealed record StepPlan
{
    // Bytes a parameter: clip, AdamW, moving averages and zeroing, as operations of libtorch and in one pass on a host; in bfloat16 also gradients that are
    // added to the float32 ones, twice for students, and weights that are rounded once a step.
    private const double UpdateBytes = 60, HostUpdateBytes = 40, WidenBytes = 20, CastBytes = 6;

    // Values of an activation that backward needs, by token, block and width.
    private const double Kept = 18;

    private StepPlan(DeviceRates rates, int batch, ModelCost cost, IReadOnlyList<PlanRow> rows) =>
        (Device, Batch, Rows, Seconds, Flop, Products) =
            (rates.Name, batch, rows, Math.Max(rates.Launches, rows.Sum(row => row.Time.Sum)), batch * cost.FlopPerSample, rates.Products);

    public string Device { get; }

    public int Batch { get; }

    public IReadOnlyList<PlanRow> Rows { get; }

    /// <summary>Of a step.</summary>
    public double Seconds { get; }

    /// <summary>Matrix work of a step.</summary>
    public double Flop { get; }

    /// <summary>Peak that MFU is a share of, FLOP a second.</summary>
    public double Products { get; }

    /// <summary>Bytes of parameters, gradients, moments and activations.</summary>
    public double Memory => Rows.Sum(row => row.Memory);

    public double SamplesPerSecond => Batch / Seconds;

    /// <summary>Share of the peak, 0 to 1.</summary>
    public double Mfu => Flop / Seconds / Products;

    /// <summary>Forward, backward and update, seconds.</summary>
    public (double Forward, double Backward, double Update) Phases
    {
        get
        {
            var (update, others) = (Rows[^1].Time.Sum, Rows.SkipLast(1));
            var forward = others.Sum(row => row.ForwardShare * row.Time.Sum);
            return (forward, others.Sum(row => row.Time.Sum) - forward, update);
        }
    }

    /// <summary>The plan of a configuration's step.</summary>
    public static StepPlan Of(PretrainConfig config, DeviceRates rates, int batch)
    {
        var cost = ModelCost.Of(config);
        var width = rates.Lower ? 2.0 : 4;
        List<PlanRow> rows = [];
        foreach (var pass in cost.Passes)
        {
            var ends = batch * pass.Ends * (pass.Trained ? 3 : 1) / (pass.IsDecoder ? rates.Products : rates.Exact);
            var blocks = pass.Views == 0 ? default : rates.Blocks(config, pass, batch);
            var kept = pass.Trained ? batch * pass.TokenBlocks * pass.Size.Dim * Kept * width : 0;
            rows.Add(new PlanRow(pass.Name, blocks with { Products = blocks.Products + ends }, pass.Forward / (pass.Forward + pass.Backward), kept));
        }

        rows.Add(new PlanRow("objectives", new PassTime(0, 0, rates.Patches(config, batch)), 2.0 / 3, batch * 4 * 4 * DeviceRates.PatchValues(config)));
        var update = rates.Lower ? (cost.Trainable * (UpdateBytes + WidenBytes)) + (cost.Total * CastBytes) : cost.Trainable * HostUpdateBytes;
        rows.Add(new PlanRow("update", new PassTime(0, 0, update / rates.Bytes), 0, (4.0 * (cost.Total + (3 * cost.Trainable))) + (rates.Lower ? 2.0 * cost.Total : 0)));
        return new StepPlan(rates, batch, cost, rows);
    }

    /// <summary>The largest batch of a doubling from 1 whose step fits a memory; 0 where none does.</summary>
    public static int LargestBatch(PretrainConfig config, DeviceRates rates)
    {
        var batch = 0;
        while (batch < 1 << 16 && Of(config, rates with { Blocks = (_, _, _) => default, Patches = (_, _) => 0 }, Math.Max(1, batch * 2)).Memory <= rates.Memory)
        {
            batch = Math.Max(1, batch * 2);
        }

        return batch;
    }
}
