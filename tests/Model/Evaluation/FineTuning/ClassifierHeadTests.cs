using TorchSharp;
using Xkd.Model.Evaluation;
using Xkd.Model.Torch;

namespace Xkd.Model.Tests.Evaluation;

public class ClassifierHeadTests
{
    public ClassifierHeadTests()
    {
        LibTorch.Load();
        torch.set_num_threads(1);
    }

    [Fact]
    public void Forward_BatchOfOne_KeepsItsBatchAxis()
    {
        using var scope = torch.NewDisposeScope();
        using ClassifierHead head = new(8, 3, new HeadSection { BatchNorm = true });
        head.eval();

        Assert.Equal([1, 3], head.forward(torch.randn(1, 8)).shape);
    }

    [Fact]
    public void Forward_Dropout_ActsInTrainingOnly()
    {
        using var scope = torch.NewDisposeScope();
        using ClassifierHead head = new(512, 3, new HeadSection { Dropout = 0.5 });
        var x = torch.ones(2, 512);

        head.train();
        Assert.NotEqual(0, Difference());
        head.eval();
        Assert.Equal(0, Difference());
        float Difference() => (head.forward(x) - head.forward(x)).abs().max().item<float>();
    }

    [Fact]
    public void Constructor_Weights_AreOrthogonalAndNamedAsTheReferences()
    {
        using var scope = torch.NewDisposeScope();
        using ClassifierHead head = new(20, 7, new HeadSection { BatchNorm = true });
        var state = head.state_dict();

        Assert.Equal(["bn.bias", "bn.num_batches_tracked", "bn.running_mean", "bn.running_var", "bn.weight", "classifier.bias", "classifier.weight"], state.Keys.Order(StringComparer.Ordinal));
        var weight = state["classifier.weight"];
        Assert.True((weight.mm(weight.t()) - torch.eye(7)).abs().max().item<float>() < 1e-5);
        Assert.Equal(0, state["classifier.bias"].abs().max().item<float>());
    }

    [Fact]
    public void Forward_ManyCalls_LeaveOnlyTheirResults()
    {
        using ClassifierHead head = new(8, 3, new HeadSection { UnitLength = true, BatchNorm = true, Dropout = 0.1 });
        using var x = torch.randn(4, 8);
        using var scope = torch.NewDisposeScope();

        for (var i = 0; i < 10; i++)
        {
            head.forward(x);
        }

        Assert.Equal(10, scope.DisposablesCount);
    }
}
