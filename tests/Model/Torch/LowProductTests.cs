using TorchSharp;
using Xkd.Model.Method;
using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Torch;

/// <summary>Products with weights that have a bfloat16 copy, beside libtorch's autocast.</summary>
public sealed class LowProductTests
{
    /// <summary>One product: the same values and gradients, bit for bit; with a bias rounded at another place, and its gradient not at all.</summary>
    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Of_OneProduct_IsAutocasts(bool biased, bool given)
    {
        using var scope = TinyModel.Scope();
        using var random = new Generator(1);
        Tensor x = randn([3, 5, 12], generator: random), weight = randn([7, 12], generator: random), bias = randn([7], generator: random), over = randn([3, 5, 7], generator: random);
        var own = Gradients((input, w, b) => LowProduct.Of(input, w, w.detach().to(ScalarType.BFloat16), b));
        var autocast = Gradients(static (input, w, b) => nn.functional.linear(input, w, b));

        foreach (var (expected, found) in autocast.Zip(own))
        {
            var ulp = biased ? expected.Max(MathF.Abs) / 256 : 0; // of the largest value, in bfloat16
            Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, ulp));
        }

        float[][] Gradients(Func<Tensor, Tensor, Tensor?, Tensor> product)
        {
            Tensor input = x.clone().requires_grad_(given), w = weight.clone().requires_grad_(), b = bias.clone().requires_grad_();
            Tensor found;
            using (new Autocast(DeviceType.CPU).Enter())
            {
                found = product(input, w, biased ? b : null);
            }

            Assert.Equal(ScalarType.BFloat16, found.dtype);
            (found.to(ScalarType.Float32) * over).sum().backward();
            KernelNode.ThrowIfFailed();
            Assert.Equal(given, input.grad is not null);
            return [.. new[] { found.detach(), input.grad, w.grad, b.grad }.OfType<Tensor>().Select(static t => t.to(ScalarType.Float32).flatten().data<float>().ToArray())];
        }
    }

    /// <summary>A weight that is used twice: its gradients are added in float32, to what is there.</summary>
    [Fact]
    public void Of_GradientThatIsThere_IsAddedTo()
    {
        using var scope = TinyModel.Scope();
        Tensor weight = ones([1, 1]).requires_grad_(), low = weight.detach().to(ScalarType.BFloat16);
        weight.grad = zeros([1, 1]).Fill(0.5);
        LowProduct.Of(ones([1, 1]).Fill(256), weight, low, null).sum().backward();
        LowProduct.Of(ones([1, 1]), weight, low, null).sum().backward();
        KernelNode.ThrowIfFailed();

        Assert.Equal(257.5, weight.grad!.item<float>()); // 256 + 1 is 256 in bfloat16
    }

    [Theory]
    [InlineData(XkdVariant.Xkd)]
    [InlineData(XkdVariant.Mas)]
    [InlineData(XkdVariant.Mats)]
    public void LowWeights_EveryProductButTheHeads_HasTheRoundedWeightOfTheStep(XkdVariant variant)
    {
        using var scope = TinyModel.Scope();
        var config = TinyModel.Config(variant).In(Precision.Bfloat16);
        using XkdModel model = new(config, seed: 3);
        var heads = model.modules().OfType<Projector>().SelectMany(static head => head.modules().OfType<Linear>()).ToHashSet();
        var layers = model.modules().OfType<Linear>().Distinct().ToList();
        using (XkdStep step = new(model))
        {
            for (var i = 0; i < 2; i++)
            {
                using var before = stack([.. layers.Except(heads).Select(static layer => layer.Weight.detach().to(ScalarType.BFloat16).sum())]);
                step.Run(TinyModel.Input(config, 1), TinyModel.Schedule()).Dispose();
                using var used = stack([.. layers.Except(heads).Select(static layer => layer.Low!.sum())]);
                Assert.Equal(before.to(ScalarType.Float32).data<float>().ToArray(), used.to(ScalarType.Float32).data<float>().ToArray());
            }

            Assert.All(heads, static layer => Assert.Null(layer.Low));
        }

        Assert.All(layers, static layer => Assert.Null(layer.Low));
    }
}
