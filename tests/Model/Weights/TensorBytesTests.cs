using TorchSharp;
using Xkd.Model.Torch;
using Xkd.Model.Weights;

namespace Xkd.Model.Tests.Weights;

public sealed class TensorBytesTests
{
    public TensorBytesTests()
    {
        LibTorch.Load();
        torch.set_num_threads(1);
    }

    [Fact]
    public void Borrow_ContiguousTensor_SharesItsMemory()
    {
        using var tensor = ScalarMath.Indices(6, torch.CPU).to(torch.float32).reshape(2, 3);

        var borrowed = TensorBytes.Borrow("x", tensor);
        tensor.Fill(9);

        Assert.Equal([9f, 9f, 9f, 9f, 9f, 9f], borrowed.ToFloats());
    }

    [Fact]
    public void Borrow_TransposedTensor_CopiesItRowMajor()
    {
        using var tensor = ScalarMath.Indices(6, torch.CPU).to(torch.float32).reshape(2, 3).t();

        var weight = TensorBytes.Borrow("x", tensor);
        tensor.Fill(9);

        Assert.Equal([3L, 2L], weight.Shape);
        Assert.Equal([0f, 3f, 1f, 4f, 2f, 5f], weight.ToFloats());
    }

    [Theory]
    [InlineData(torch.ScalarType.Float64)]
    [InlineData(torch.ScalarType.Float16)]
    [InlineData(torch.ScalarType.BFloat16)]
    [InlineData(torch.ScalarType.Int64)]
    [InlineData(torch.ScalarType.Int32)]
    [InlineData(torch.ScalarType.Int16)]
    [InlineData(torch.ScalarType.Int8)]
    [InlineData(torch.ScalarType.Byte)]
    public void Copy_EachType_ReturnsToTheSameTensor(torch.ScalarType type)
    {
        using var tensor = torch.tensor(new float[] { 0, 1, 5, 100 }).to(type);

        var weight = TensorBytes.Copy("x", tensor);
        using var back = TensorBytes.ToTensor(weight);

        Assert.Equal([0f, 1f, 5f, 100f], weight.ToFloats());
        Assert.Equal(type, back.dtype);
        Assert.True(back.eq(tensor).all().item<bool>());
    }

    [Fact]
    public void CopyTo_HalfIntoParameter_WidensAndKeepsTheParameter()
    {
        using var parameter = LiveTensors.Parameter(torch.zeros(2));

        TensorBytes.CopyTo(new WeightTensor("x", Dtypes.F16, [2], new byte[] { 0, 60, 0, 64 }), parameter);

        Assert.Equal([1f, 2f], parameter.detach().data<float>().ToArray());
        Assert.True(parameter.requires_grad);
    }

    [Fact]
    public void CopyTo_OtherShape_IsRefused()
    {
        using var tensor = torch.zeros(3);

        Assert.Contains("[3]", Assert.Throws<ArgumentException>(() => TensorBytes.CopyTo(WeightTensor.FromFloats("x", [2], [1, 2]), tensor)).Message);
    }
}
