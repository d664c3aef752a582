using System.Runtime.InteropServices;
using Xkd.Model.Ranks;
using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Ranks;

public sealed class Bfloat16SumTests
{
    [Fact]
    public void Add_AnyValues_RoundsAsLibtorchDoes()
    {
        using var scope = TinyModel.Scope();
        using Generator generator = new(3, CPU);
        Tensor a = randn(1013, generator: generator).Mul(100).to(ScalarType.BFloat16), b = randn(1013, generator: generator).to(ScalarType.BFloat16);
        a[3] = tensor(float.NaN);
        a[5] = tensor(float.PositiveInfinity);
        a[1012] = tensor(float.NaN); // in what no whole vector is left for
        var expected = a.Add(b);
        Bfloat16Sum.Add(MemoryMarshal.Cast<byte, ushort>(a.bytes), MemoryMarshal.Cast<byte, ushort>(b.bytes));
        float[] wanted = [.. expected.to(ScalarType.Float32).data<float>()], got = [.. b.to(ScalarType.Float32).data<float>()];
        Assert.Equal(wanted, got);
    }
}
