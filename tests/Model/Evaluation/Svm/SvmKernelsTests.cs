using Xkd.Model.Evaluation;

namespace Xkd.Model.Tests.Evaluation;

public class SvmKernelsTests
{
    [Theory]
    [InlineData(16)]
    [InlineData(48)]
    [InlineData(784)]
    public unsafe void DotAndAxpy_AnyLength_MatchTheScalarLoops(int length)
    {
        SplitMix64 random = new(5);
        float[] x = [.. Enumerable.Range(0, length).Select(_ => (float)random.NextNormal())];
        double[] w = [.. Enumerable.Range(0, length).Select(_ => random.NextNormal())];
        double dot = x.Zip(w, (a, b) => a * b).Sum();
        double[] moved = [.. x.Zip(w, (a, b) => b + (0.37 * a))];

        fixed (float* px = x)
        fixed (double* pw = w)
        {
            Assert.Equal(dot, SvmKernels.Dot(px, pw, length), 1e-10);
            SvmKernels.Axpy(0.37, px, pw, length);
        }

        Assert.All(moved.Zip(w), pair => Assert.Equal(pair.First, pair.Second, 1e-14));
    }
}
