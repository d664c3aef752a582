using Xkd.Model.Native;
using Xkd.Model.Optimization;
using Xkd.Model.Tests.Distributed;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Optimization;

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
        var options = TinyModel.Options(variant);
        XkdStepOptions stepOptions = new() { SharedTeacher = shared, ClipDecoders = clipDecoders, GradientClip = 0.02 };
        using var scope = TinyModel.Scope();
        using var host = new XkdStep(new XkdModel(options, seed: 1), stepOptions, fused: true);
        using var device = new XkdStep(new XkdModel(options, seed: 1), stepOptions, fused: false);
        for (var i = 0; i < 4; i++)
        {
            var schedule = TinyModel.Schedule() with { FreezeLastLayer = i is 0 or 2 };
            using XkdLosses a = host.Run(TinyModel.Input(options, (ulong)i), schedule), b = device.Run(TinyModel.Input(options, (ulong)i), schedule);
            Assert.Equal(b.Read().GradNorm, a.Read().GradNorm, Rounding.OfAStep * b.Read().GradNorm);
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
        using var step = new XkdStep(new XkdModel(TinyModel.Options()), GradientHook.Options(gradients => gradients.narrow(0, 70, planted ? 1 : 0).Fill(double.NaN)));
        using XkdLosses good = step.Run(TinyModel.Input(step.Model.Options, 1), TinyModel.Schedule());
        planted = true;
        using XkdLosses bad = step.Run(TinyModel.Input(step.Model.Options, 2), TinyModel.Schedule());

        Assert.Null(good.Read().FirstNonFinite);
        Assert.Equal("grad_norm", bad.Read().FirstNonFinite);
    }

    // Forward and backward on one thread, so that the update alone is compared.
    private static byte[] StateAfter(int threads)
    {
        using var step = new XkdStep(new XkdModel(TinyModel.Options(), seed: 2), GradientHook.Options(_ => set_num_threads(threads)));
        try
        {
            for (var i = 0; i < 3; i++)
            {
                set_num_threads(1);
                step.Run(TinyModel.Input(step.Model.Options, (ulong)i), TinyModel.Schedule()).Dispose();
            }
        }
        finally
        {
            set_num_threads(1);
        }

        return [.. step.ExportState().SelectMany(e => e.Value.detach().contiguous().bytes.ToArray())];
    }
}
