using Xkd.Model.Method;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Method;

/// <summary>What the step saves changes nothing but rounding.</summary>
[Collection(nameof(AloneCollection))]
public sealed class PlainStepTests
{
    private const int Steps = 50;

    // A step's rounding changes the next step's gradients: over many it adds up as independent errors do, by the root of their number, to 1.6e-4.
    private static readonly double Tolerance = Rounding.OfAStep * Math.Sqrt(Steps);

    [Theory]
    [InlineData(XkdVariant.Xkd)]
    [InlineData(XkdVariant.Mas)]
    [InlineData(XkdVariant.Mats)]
    public void Run_FiftySteps_LossesAreThePlainStepsUpToRounding(XkdVariant variant)
    {
        var config = TinyModel.Config(variant);
        using var scope = TinyModel.Scope();
        using var fast = new XkdStep(new XkdModel(config, seed: 3));
        var plain = new PlainStep(new XkdModel(config, seed: 3));
        var schedule = TinyModel.Schedule() with { VideoEma = 0.99, AudioEma = 0.98 };
        double first = 0, last = 0;
        for (var i = 0; i < Steps; i++)
        {
            using var step = NewDisposeScope();
            var input = TinyModel.Input(config, (ulong)(i % 5));
            using var losses = fast.Run(input, schedule);
            last = losses.Read()["loss"];
            first = i == 0 ? last : first;
            var expected = plain.Run(input, schedule);
            Assert.True(Math.Abs(last - expected) <= Tolerance * expected, $"step {i}: {last:g9}, the plain step has {expected:g9}");
        }

        Assert.True(last < first, $"nothing was learned: {first:g5} to {last:g5}");
    }

    [Fact]
    public void Run_OneStepClippedDifferently_IsNoticed()
    {
        var config = TinyModel.Config();
        using var scope = TinyModel.Scope();
        using var unclipped = new XkdStep(new XkdModel(config with { Optim = config.Optim with { ClipGrad = 0 } }, seed: 3));
        var plain = new PlainStep(new XkdModel(config, seed: 3));
        var worst = 0.0;
        for (var i = 0; i < 20; i++)
        {
            using var losses = unclipped.Run(TinyModel.Input(config, (ulong)i), TinyModel.Schedule());
            var (loss, expected) = (losses.Read()["loss"], plain.Run(TinyModel.Input(config, (ulong)i), TinyModel.Schedule()));
            worst = Math.Max(worst, Math.Abs(loss - expected) / expected);
        }

        Assert.True(worst > Tolerance, $"without clipping the losses agree to {worst:g3}: the comparison sees nothing");
    }
}
