using Xkd.Model.Method;
using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Torch;

/// <summary>What the kernels compute, beside libtorch's operations: on the CPU, by the source that a GPU runs.</summary>
public sealed class FusedKernelsTests
{
    /// <summary>Widths with full and with part-filled warps, and rows that leave warps and blocks idle.</summary>
    [Theory]
    [InlineData(8, 1)]
    [InlineData(192, 37)]
    [InlineData(300, 6)]
    [InlineData(384, 13)]
    [InlineData(768, 5)]
    [InlineData(1024, 9)]
    public void Check_Kernels_AgreeWithLibtorch(int width, int rows)
    {
        using var scope = TinyModel.Scope();
        Assert.Null(HostKernels.Make().Check(width, CPU, rows));
        Assert.Null(HostKernels.Make(ScalarType.BFloat16).Check(width, CPU, rows));
    }

    [Theory]
    [InlineData("* g.v[i] + b.v[i];", "* g.v[i] - b.v[i];", "add and norm")]
    [InlineData("centred[k].v[i] * second", "centred[k].v[i] * first", "add and norm")]
    [InlineData("(below + z.v[i] * density)", "below", "gelu")]
    [InlineData("(values - 1)", "values", "patch error")]
    public void Check_KernelThatIsWrong_IsNamed(string right, string wrong, string kernel)
    {
        using var scope = TinyModel.Scope();
        HostKernels.Make();
        FusedKernels broken = new(width => new HostKernels(width, change: source => source.Replace(right, wrong, StringComparison.Ordinal)));

        Assert.StartsWith($"the kernel of {kernel} is off by", broken.Check(64, CPU), StringComparison.Ordinal);
    }

    /// <summary>Losses and gradients of a whole model with kernels are those without, as near as bfloat16 products let them be.</summary>
    [Theory]
    [InlineData(XkdVariant.Xkd)]
    [InlineData(XkdVariant.Mats)]
    public void Differentiate_WithKernels_GivesThePlainGradients(XkdVariant variant)
    {
        using var scope = TinyModel.Scope();
        var kernels = HostKernels.Make();
        var config = TinyModel.Config(variant);
        var exact = Gradients(config, null);
        var plain = Gradients(config.In(Precision.Bfloat16), null);
        HostKernels.Launched.Clear();
        var fused = Gradients(config.In(Precision.Bfloat16), kernels);

        Assert.Equal(KernelProgram.Names.Order(), HostKernels.Launched.Keys.Order()); // all took part
        foreach (var (name, _) in exact.Values)
        {
            // Both round products alike and are no nearer to each other than to float32: the plain path's own distance is the measure.
            Assert.InRange(Distance(fused.Values[name], exact.Values[name]), 0, (2 * Distance(plain.Values[name], exact.Values[name])) + 1e-3);
        }

        var narrow = Gradients(config.In(Precision.Bfloat16), HostKernels.Make(ScalarType.BFloat16));
        foreach (var (name, _) in exact.Values)
        {
            // Beside that the stream is rounded, by 2^-9 of it at most, at the six sums of an encoder and its decoder, forward and backward.
            Assert.InRange(Distance(narrow.Values[name], exact.Values[name]), 0, (2 * Distance(plain.Values[name], exact.Values[name])) + (12.0 / 512));
        }

        Assert.Equal(exact.Loss, fused.Loss, 2 * Math.Abs(plain.Loss - exact.Loss) + 1e-3);
    }

    [Fact]
    public void Differentiate_KernelThatFails_ThrowsWhatItThrew()
    {
        using var scope = TinyModel.Scope();
        HostKernels.Make();
        var config = TinyModel.Config().In(Precision.Bfloat16);
        using XkdModel model = new(config, seed: 3);
        model.Use(new FusedKernels(static width => new FailingKernels(new HostKernels(width))));
        using XkdStep step = new(model);
        var input = TinyModel.Input(config, 1);

        Assert.Equal("planted", Assert.Throws<InvalidOperationException>(() => step.Differentiate([input], KdTemperatures.Published)).Message);
    }

    private static (double Loss, Dictionary<string, double[]> Values) Gradients(PretrainConfig config, FusedKernels? kernels)
    {
        using var scope = NewDisposeScope();
        using XkdModel model = new(config, seed: 3);
        model.Use(kernels);
        using XkdStep step = new(model);
        using var scalars = step.Differentiate([TinyModel.Input(config, 1)], KdTemperatures.Published);
        Dictionary<string, double[]> found = [];
        foreach (var (name, parameter) in StateNames.Parameters(model).Where(static entry => entry.Value.grad is not null))
        {
            found[name] = [.. parameter.grad!.to(ScalarType.Float64).flatten().data<double>()];
        }

        return (scalars.Read()["loss"], found);
    }

    private static double Distance(double[] a, double[] b) => Math.Sqrt(a.Zip(b, static (x, y) => (x - y) * (x - y)).Sum() / Math.Max(1e-30, b.Sum(static x => x * x)));

    private sealed class FailingKernels(IKernelProgram inner) : IKernelProgram
    {
        public int Blocks => inner.Blocks;

        public void Launch(string kernel, (int X, int Y) grid, ReadOnlySpan<nint> arguments)
        {
            if (kernel == "gelu_backward")
            {
                throw new InvalidOperationException("planted");
            }

            inner.Launch(kernel, grid, arguments);
        }
    }
}
