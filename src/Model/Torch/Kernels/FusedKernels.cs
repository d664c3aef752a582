using System.Collections.Concurrent;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Torch;

/// <summary>
/// What a transformer does between its products, by kernels of ours in place of libtorch's: fewer passes over memory, the same values but for rounding. For
/// bfloat16 products.
/// </summary>
/// <param name="compile">Compiles for a width of the residual stream.</param>
/// <param name="stream">What the stream is kept in: float32, or bfloat16.</param>
internal sealed class FusedKernels(Func<int, IKernelProgram> compile, ScalarType stream = ScalarType.Float32)
{
    // Sums of gradients are held in registers: six numbers a feature and lane.
    private const int Widest = 1024;

    // What a kernel that does not depend on the width is compiled for.
    private const int AnyWidth = 64;
    private static readonly ConcurrentDictionary<(int Device, KernelChoice Choice), (FusedKernels? Kernels, string Told)> OfDevice = [];
    private readonly ConcurrentDictionary<int, IKernelProgram> _programs = [];

    /// <summary>What the residual stream is kept in.</summary>
    public ScalarType Stream => stream;

    /// <summary>The kernels for a device, compiled and compared with libtorch's own once for the process; null with the reason where there are none.</summary>
    /// <param name="device">Where the model is.</param>
    /// <param name="choice">Which.</param>
    /// <param name="widths">Widths of its residual streams.</param>
    public static (FusedKernels? Kernels, string Told) On(Device device, KernelChoice choice, params ReadOnlySpan<int> widths)
    {
        if (choice == KernelChoice.Plain)
        {
            return (null, "none: train.kernels is plain");
        }

        if (device.type != TorchSharp.DeviceType.CUDA)
        {
            return (null, "none: they are for GPUs");
        }

        int[] asked = [.. widths];
        return OfDevice.GetOrAdd((Math.Max(0, device.index), choice), _ =>
        {
            var libtorch = LibTorch.Info;
            if (Nvrtc.Find(libtorch.Directory) is not { } compiler)
            {
                return (null, $"none: no libnvrtc in {libtorch.Directory}, its packages or the system; pip install nvidia-cuda-nvrtc brings it");
            }

            try
            {
                var kept = choice == KernelChoice.Narrow ? ScalarType.BFloat16 : ScalarType.Float32;
                byte[] Compile(int width, int capability) => compiler.Compile(KernelProgram.Source, capability, KernelProgram.Options(width, kept)).Code;
                FusedKernels kernels = new(width => new KernelProgram(Math.Max(0, device.index), capability => Compile(width, capability), CudaDriver.Function), kept);
                var capability = asked.Where(IsFit).Select(width => ((KernelProgram)kernels.Program(width)).Capability).FirstOrDefault();
                return kernels.Check(asked.FirstOrDefault(IsFit, Widest), device) is { } wrong
                    ? (null, $"none: {wrong}")
                    : (kernels, $"sm_{capability} by NVRTC {compiler.Version}");
            }
            catch (Exception e) when (e is UsageException or FailureException)
            {
                return (null, $"none: {e.Message}");
            }
        });
    }

    /// <summary>Whether there are kernels for a width of the residual stream.</summary>
    public static bool IsFit(int width) => width % 4 == 0 && width <= Widest;

    /// <summary>Layer norm of a sum, and the sum.</summary>
    /// <param name="x">The residual stream [.., D], of <see cref="Stream"/>'s type.</param>
    /// <param name="branch">Added to it [.., D], bfloat16; null: nothing.</param>
    /// <param name="bias">Added to the branch [D]; null without one.</param>
    /// <param name="gamma">[D]</param>
    /// <param name="beta">[D]</param>
    /// <returns>x + branch + bias [.., D] (x itself without a branch), and its norm [.., D] in bfloat16.</returns>
    public (Tensor Sum, Tensor Normed) AddNorm(Tensor x, Tensor? branch, Tensor? bias, Tensor gamma, Tensor beta)
    {
        using var scope = NewDisposeScope();
        var (given, width, rows) = (x, (int)x.shape[^1], x.numel() / x.shape[^1]);
        var program = Program(width);
        Tensor[] inputs = branch is null ? [x, gamma, beta] : [x, branch, bias!, gamma, beta];
        Tensor sum, normed, mean, deviation;
        using (no_grad())
        {
            x = x.to(stream).contiguous();
            sum = branch is null ? x : empty_like(x);
            normed = empty(x.shape, ScalarType.BFloat16, x.device);
            mean = empty([rows], ScalarType.Float32, x.device);
            deviation = empty_like(mean); // one over it
            branch = branch?.to(ScalarType.BFloat16).contiguous();
            program.Launch("add_norm_forward", (Warps(rows), 1),
                [At(x), At(branch), At(bias), At(gamma), At(beta), At(branch is null ? null : sum), At(normed), At(mean), At(deviation), (nint)rows]);
        }

        var added = branch is not null;
        var recorded = KernelNode.Record(inputs, added ? [sum, normed] : [normed], [sum, mean, deviation, gamma], (gradients, saved) =>
        {
            var (ofNormed, ofSum) = (gradients[^1], added ? gradients[0] : null);
            var dx = empty_like(saved[0]);
            var dbranch = added && stream != ScalarType.BFloat16 ? empty(dx.shape, ScalarType.BFloat16, dx.device) : null; // else it is dx
            var blocks = Math.Min(Warps(rows), program.Blocks);
            var partials = empty([blocks, 3, width], ScalarType.Float32, dx.device);
            ofNormed = ofNormed?.to(ScalarType.BFloat16) ?? zeros(dx.shape, ScalarType.BFloat16, dx.device);
            program.Launch("add_norm_backward", (blocks, 1),
                [At(ofNormed), At(ofSum?.to(stream)), At(saved[0]), At(saved[1]), At(saved[2]), At(saved[3]), At(dx), At(dbranch), At(partials), (nint)rows]);
            var sums = partials.sum(0L); // [3, D]
            return added ? [dx, dbranch ?? dx.alias(), sums[2], sums[0], sums[1]] : [dx, sums[0], sums[1]];
        });
        return added ? scope.MoveToOuter(recorded[0], recorded[1]) : (given, scope.MoveToOuter(recorded[0]));
    }

    /// <summary>gelu(product + bias) [.., H], bfloat16, for a product without bias [.., H], bfloat16, and a bias [H].</summary>
    public Tensor Gelu(Tensor product, Tensor bias)
    {
        using var scope = NewDisposeScope();
        var program = Program(AnyWidth);
        var (rows, quads) = (product.numel() / product.shape[^1], product.shape[^1] / 4);
        var across = (int)((quads + KernelProgram.Threads - 1) / KernelProgram.Threads);
        var grid = (across, (int)Math.Min(rows, Math.Max(1, 4 * program.Blocks / across)));
        Tensor[] inputs = [product, bias];
        Tensor activated;
        using (no_grad())
        {
            product = product.contiguous();
            activated = empty_like(product);
            program.Launch("gelu_forward", grid, [At(product), At(bias), At(activated), (nint)rows, (nint)quads]);
        }

        return scope.MoveToOuter(KernelNode.Record(inputs, [activated], [product, bias], (gradients, saved) =>
        {
            var dproduct = empty_like(saved[0]);
            var partials = empty([grid.Item2, 4 * quads], ScalarType.Float32, dproduct.device);
            program.Launch("gelu_backward", grid, [At(gradients[0]), At(saved[0]), At(saved[1]), At(dproduct), At(partials), (nint)rows, (nint)quads]);
            return [dproduct, partials.sum(0L)];
        })[0]);
    }

    /// <summary>Mean squared error of predicted [B, N, P] (bfloat16) to true patches [B, N, P] where the mask [B, N] is 1; see PatchReconstruction.</summary>
    public Tensor PatchError(Tensor predicted, Tensor patches, Tensor mask, bool normalise)
    {
        using var scope = NewDisposeScope();
        var (program, rows, quads) = (Program(AnyWidth), mask.numel(), predicted.shape[^1] / 4);
        Tensor[] inputs = [predicted];
        Tensor loss, hidden;
        using (no_grad())
        {
            (predicted, patches, mask) = (predicted.contiguous(), patches.to(ScalarType.Float32).contiguous(), mask.contiguous());
            var errors = empty([rows], ScalarType.Float32, mask.device);
            hidden = mask.sum();
            Launch([predicted, patches, mask, hidden], weight: null, errors, gradient: null);
            loss = errors.sum() / hidden;
        }

        return scope.MoveToOuter(KernelNode.Record(inputs, [loss], [predicted, patches, mask, hidden], (gradients, saved) =>
        {
            var gradient = empty_like(saved[0]);
            Launch(saved, gradients[0], errors: null, gradient);
            return [gradient];
        })[0]);

        void Launch(Tensor[] given, Tensor? weight, Tensor? errors, Tensor? gradient) => program.Launch(
            "patch_error", (Warps(rows), 1), [.. given.Select(At), At(weight), At(errors), At(gradient), (nint)rows, (nint)quads, normalise ? 1 : 0]);
    }

    /// <summary>Compares every kernel with libtorch's operations on this device, forward and backward; null where they agree.</summary>
    /// <param name="width">Width of the stream.</param>
    /// <param name="device">Where.</param>
    /// <param name="rows">Tokens.</param>
    internal string? Check(int width, Device device, int rows = 37)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        Tensor Draw(params long[] shape) => randn(shape, generator: random).to(device);
        var lower = ScalarType.BFloat16;
        Tensor x = Draw(rows, width).to(stream), branch = Draw(rows, width).to(lower), bias = Draw(width), gamma = Draw(width).Add(1), beta = Draw(width);
        Tensor dsum = Draw(rows, width).to(stream), dnormed = Draw(rows, width).to(lower);
        Tensor product = Draw(rows, 4L * width).to(lower), shift = Draw(4L * width), dactivated = Draw(rows, 4L * width).to(lower);
        Tensor predicted = Draw(1, rows, width).to(lower), patches = Draw(1, rows, width), mask = Draw(1, rows).Ge(0).to(ScalarType.Float32), weight = Draw().abs();
        mask.narrow(1, 0, 1).Fill(1);
        return Compare("add and norm", [x, branch, bias, gamma, beta], [dsum, dnormed], t => AddNorm(t[0], t[1], t[2], t[3], t[4]) is var (sum, normed) ? [sum, normed] : [], t =>
            {
                var sum = t[0].Add(t[1].Add(t[2]));
                return [sum, Norm(sum, t[3], t[4])];
            })
            ?? Compare("norm", [x, gamma, beta], [dnormed], t => [AddNorm(t[0], null, null, t[1], t[2]).Normed], t => [Norm(t[0], t[1], t[2])])
            ?? Compare("gelu", [product, shift], [dactivated], t => [Gelu(t[0], t[1])], static t => [nn.functional.gelu(t[0].Add(t[1]))])
            ?? Compare("patch error", [predicted], [weight], t => [PatchError(t[0], patches, mask, normalise: true)], t =>
            {
                var (mean, variance) = (patches.mean([-1L], keepdim: true), patches.@var(-1, unbiased: true, keepdim: true));
                return [((t[0] - ((patches - mean) / variance.Add(1e-6).sqrt())).Square().mean([-1L]) * mask).sum() / mask.sum()];
            });

        Tensor Norm(Tensor of, Tensor scale, Tensor add) => nn.functional.layer_norm(of, [width], scale, add, 1e-5);
    }

    // By the kernels from the tensors as they are, and by libtorch in float64 from the same values. A bfloat16 result is off by half a unit in its last place
    // (2^-9 of it), and the norm of a stream in bfloat16 by that of the stream besides; the kernels' own float32 sums are off by far less. Twice that is allowed.
    private string? Compare(string what, Tensor[] values, Tensor[] weights, Func<Tensor[], Tensor[]> kernels, Func<Tensor[], Tensor[]> plain)
    {
        Tensor[] own = [.. values.Select(static value => value.detach().clone().requires_grad_())];
        Tensor[] exact = [.. values.Select(static value => value.detach().to(ScalarType.Float64).requires_grad_())];
        var (found, wanted) = (kernels(own), plain(exact));
        autograd.backward(found, weights);
        KernelNode.ThrowIfFailed();
        autograd.backward(wanted, [.. weights.Select(static weight => weight.to(ScalarType.Float64))]);
        var pairs = found.Zip(wanted, static (a, b) => (a, b)).Concat(own.Zip(exact, static (a, b) => (a: a.grad!, b: b.grad!)));
        var most = (stream == ScalarType.BFloat16 ? 4 : 2) / 512.0;
        foreach (var ((a, b), number) in pairs.Select(static (pair, number) => (pair, number)))
        {
            using var unrecorded = no_grad();
            var scale = b.abs().max().item<double>();
            var error = (a.to(ScalarType.Float64) - b).abs().max().item<double>() / scale;
            if (!(error <= most)) // not a number is wrong, too
            {
                return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"the kernel of {what} is off by {error:g3} of the largest value in result {number}");
            }
        }

        return null;
    }

    private IKernelProgram Program(int width) => _programs.GetOrAdd(width, compile);

    // Blocks of four warps, a row each.
    private static int Warps(long rows) => checked((int)((rows + 3) / 4));

    private static nint At(Tensor? tensor) => tensor is null ? 0 : TensorMemory.Address(tensor);
}

/// <summary>What computes between the matrix products on a GPU.</summary>
public enum KernelChoice
{
    /// <summary>XKD's own kernels, where they can be compiled and agree with libtorch's operations.</summary>
    Auto,

    /// <summary>Operations of libtorch.</summary>
    Plain,

    /// <summary>As <see cref="Auto"/>, with the residual stream in bfloat16.</summary>
    Narrow,
}
