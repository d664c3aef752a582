using TorchSharp;
using Xkd.Model.Method;
using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Torch;

public sealed class AutocastTests
{
    [Fact]
    public void Enter_MatrixProduct_IsBfloat16UntilTheScopeEnds()
    {
        using var scope = TinyModel.Scope();
        Autocast autocast = new(DeviceType.CPU);
        var (a, b) = (ones(4, 4), ones(4, 4));
        using (autocast.Enter())
        {
            using (autocast.Enter())
            {
                Assert.Equal(ScalarType.BFloat16, a.matmul(b).dtype);
            }

            Assert.True(autocast.IsEntered);
            Assert.Equal(ScalarType.BFloat16, a.matmul(b).dtype);
        }

        Assert.False(autocast.IsEntered);
        Assert.Equal(ScalarType.Float32, a.matmul(b).dtype);
    }

    [Fact]
    public async Task Enter_OtherThread_IsNotAffected()
    {
        Autocast autocast = new(DeviceType.CPU);
        using var entered = new ManualResetEventSlim();
        using var looked = new ManualResetEventSlim();
        var holder = Task.Factory.StartNew(
            () =>
            {
                using var casting = autocast.Enter();
                entered.Set();
                looked.Wait(TestContext.Current.CancellationToken);
            },
            TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        entered.Wait(TestContext.Current.CancellationToken);
        var here = autocast.IsEntered;
        looked.Set();
        await holder;

        Assert.False(here);
    }

    [Theory]
    [InlineData(XkdVariant.Xkd)]
    [InlineData(XkdVariant.Mats)]
    public void Run_Bfloat16_FollowsFloat32WithinOnePercentAndKeepsFloat32State(XkdVariant variant)
    {
        using var scope = TinyModel.Scope();
        var config = TinyModel.Config(variant);
        using var whole = new XkdStep(new XkdModel(config.In(Precision.Float32), seed: 3));
        using var half = new XkdStep(new XkdModel(config.In(Precision.Bfloat16), seed: 3));
        List<(IReadOnlyDictionary<string, double> Expected, IReadOnlyDictionary<string, double> Actual)> curves = [];
        for (var step = 0; step < 30; step++)
        {
            var input = TinyModel.Input(config, (ulong)step);
            using var expected = whole.Run(input, TinyModel.Schedule());
            using var actual = half.Run(input, TinyModel.Schedule());
            curves.Add((expected.Read(), actual.Read()));
        }

        // A step's alignment of two rows in twelve dimensions is noise at a kernel's width of 1/1000: the curves are compared, not the steps.
        foreach (var term in new[] { "loss", "recon_video", "recon_audio" })
        {
            var mean = curves.Average(c => c.Expected[term]);
            Assert.InRange(curves.Average(c => c.Actual[term]), mean * 0.99, mean * 1.01);
        }


        Assert.Contains(curves, c => c.Actual["loss"] != c.Expected["loss"]); // something was computed in bfloat16
        Assert.All(half.ExportState(), entry => Assert.Equal(ScalarType.Float32, entry.Value.dtype));
    }
}
