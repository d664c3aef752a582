using Xkd.Model.Method;
using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Torch;

/// <summary>What steps with kernels leave behind.</summary>
[Collection(nameof(AloneCollection))]
public sealed class KernelNodeTests
{
    [Fact]
    public void Differentiate_Again_KeepsNothing()
    {
        AloneCollection.Settle();
        using var scope = TinyModel.Scope();
        var kernels = HostKernels.Make();
        var config = TinyModel.Config().In(Precision.Bfloat16);
        using XkdModel model = new(config, seed: 3);
        model.Use(kernels);
        using XkdStep step = new(model);
        List<long> live = [];
        for (var i = 0; i < 4; i++)
        {
            using var inner = NewDisposeScope();
            step.Differentiate([TinyModel.Input(config, 1)], KdTemperatures.Published).Dispose();
            live.Add(LiveTensors.Count);
        }

        Assert.Equal(live[1], live[3]);
    }
}
