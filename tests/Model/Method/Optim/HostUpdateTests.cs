using Xkd.Model.Method;
using Xkd.Model.Tests.Ranks;
using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Method;

[Collection(nameof(AloneCollection))]
public sealed class HostUpdateTests
{
    [Theory]
    [InlineData(XkdVariant.Xkd, SharedTeacherUpdate.Once, false)]
    [InlineData(XkdVariant.Xkd, SharedTeacherUpdate.Once, true)]
    [InlineData(XkdVariant.Mas, SharedTeacherUpdate.Once, false)]
    [InlineData(XkdVariant.Mats, SharedTeacherUpdate.Once, false)]
    [InlineData(XkdVariant.Mats, SharedTeacherUpdate.Twice, true)]
    public void Apply_SameGradients_GivesWhatLibtorchsOperationsGive(XkdVariant variant, SharedTeacherUpdate shared, bool clipDecoders)
    {
        var config = TinyModel.Config(variant);
        config = config with { Optim = config.Optim with { SharedTeacherEma = shared, ClipDecoder = clipDecoders, ClipGrad = 0.02 } };
        using var scope = TinyModel.Scope();
        using var host = new XkdStep(new XkdModel(config, seed: 1), exchange: null, fused: true);
        using var device = new XkdStep(new XkdModel(config, seed: 1), exchange: null, fused: false);
        for (var i = 0; i < 4; i++)
        {
            var schedule = TinyModel.Schedule() with { FreezeLastLayer = i is 0 or 2 };
            using StepScalars a = host.Run(TinyModel.Input(config, (ulong)i), schedule), b = device.Run(TinyModel.Input(config, (ulong)i), schedule);
            Assert.Equal(b.Read()["grad_norm"], a.Read()["grad_norm"], Rounding.OfAStep * b.Read()["grad_norm"]);
        }

        Assert.All(host.ExportState().Zip(device.ExportState()), pair =>
        {
            Assert.Equal(pair.Second.Name, pair.First.Name);
            Assert.True(allclose(pair.First.Value, pair.Second.Value, rtol: Rounding.OfAStep, atol: Rounding.OfAStep), pair.First.Name);
        });
    }

    [Fact]
    public void Apply_MoreThreads_ChangesNoBit()
    {
        using var scope = TinyModel.Scope();
        var alone = StateAfter(threads: 1);

        Assert.Equal(alone, StateAfter(threads: 2));
        Assert.Equal(alone, StateAfter(threads: 5));
    }

    [Fact]
    public void Apply_OneGradientIsNotANumber_ShowsInTheNorm()
    {
        using var scope = TinyModel.Scope();
        var planted = false;
        using var step = new XkdStep(new XkdModel(TinyModel.Config()), GradientHook.Exchange(gradients => gradients.narrow(0, 70, planted ? 1 : 0).Fill(double.NaN)));
        using var good = step.Run(TinyModel.Input(step.Model.Config, 1), TinyModel.Schedule());
        planted = true;
        using var bad = step.Run(TinyModel.Input(step.Model.Config, 2), TinyModel.Schedule());

        Assert.Null(good.FirstNonFinite(good.Read().Values));
        Assert.Equal("grad_norm", bad.FirstNonFinite(bad.Read().Values));
    }

    // Forward and backward on one thread, so that the update alone is compared.
    private static byte[] StateAfter(int threads)
    {
        using var step = new XkdStep(new XkdModel(TinyModel.Config(), seed: 2), GradientHook.Exchange(_ => set_num_threads(threads)));
        try
        {
            for (var i = 0; i < 3; i++)
            {
                set_num_threads(1);
                step.Run(TinyModel.Input(step.Model.Config, (ulong)i), TinyModel.Schedule()).Dispose();
            }
        }
        finally
        {
            set_num_threads(1);
        }

        return [.. step.ExportState().SelectMany(e => e.Value.detach().contiguous().bytes.ToArray())];
    }
}
