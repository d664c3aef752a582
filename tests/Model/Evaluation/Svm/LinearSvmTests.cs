using Xkd.Model.Evaluation;
using Xkd.Storage;

namespace Xkd.Model.Tests.Evaluation;

public class LinearSvmTests
{
    private const int Dim = 21, Classes = 4;

    [Theory]
    [InlineData(0.01)]
    [InlineData(1)]
    [InlineData(100)]
    public void Fit_AnyC_LeavesNoGradient(double c)
    {
        (float[] rows, int[] labels) = SvmData.Blobs(90, Dim, Classes, 1.5, seed: 1);

        LinearSvmModel model = Fit(rows, Dim, labels, Classes, new LinearSvmOptions { C = c, Tolerance = 1e-10, MaxIterations = 1_000_000 });

        Assert.True(model.Converged);
        Assert.InRange(LargestGradient(model, rows, labels, c), 0, 1e-6 * (1 + c));
    }

    [Fact]
    public void LargestGradient_CoefficientMoved_IsSeen()
    {
        (float[] rows, int[] labels) = SvmData.Blobs(90, Dim, Classes, 1.5, seed: 1);
        LinearSvmModel model = Fit(rows, Dim, labels, Classes, new LinearSvmOptions { Tolerance = 1e-10 });

        model.Coefficients[5] += 1e-3;

        Assert.True(LargestGradient(model, rows, labels, 1) > 1e-4);
    }

    [Fact]
    public void Fit_OneOrManyThreads_SameBits()
    {
        (float[] rows, int[] labels) = SvmData.Blobs(200, Dim, Classes, 2, seed: 2);

        LinearSvmModel one = Fit(rows, Dim, labels, Classes, new LinearSvmOptions { Threads = 1 });
        LinearSvmModel many = Fit(rows, Dim, labels, Classes, new LinearSvmOptions { Threads = 4 });

        Assert.Equal(one.Coefficients, many.Coefficients);
        Assert.Equal(one.Intercepts, many.Intercepts);
    }

    [Fact]
    public void Fit_AnotherSeed_SameOptimumByAnotherPath()
    {
        (float[] rows, int[] labels) = SvmData.Blobs(200, Dim, Classes, 2, seed: 2);

        LinearSvmModel first = Fit(rows, Dim, labels, Classes, new LinearSvmOptions { Seed = 1 });
        LinearSvmModel second = Fit(rows, Dim, labels, Classes, new LinearSvmOptions { Seed = 2 });

        Assert.NotEqual(first.Coefficients, second.Coefficients);
        Assert.All(first.Coefficients.Zip(second.Coefficients), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
    }

    [Fact]
    public void Fit_LargerInterceptScaling_RegularisesTheBiasLess()
    {
        // All on one side of the origin: a free bias is large.
        float[] rows = [10, 11, 12, 13];
        int[] labels = [0, 0, 1, 1];

        LinearSvmModel tight = Fit(rows, 1, labels, 2, new LinearSvmOptions { InterceptScaling = 1 });
        LinearSvmModel free = Fit(rows, 1, labels, 2, new LinearSvmOptions { InterceptScaling = 100, MaxIterations = 1_000_000 });
        LinearSvmModel none = Fit(rows, 1, labels, 2, new LinearSvmOptions { InterceptScaling = 0 });

        Assert.True(free.Intercepts[0] > tight.Intercepts[0] + 1);
        Assert.Equal(0, none.Intercepts[0]);
    }

    [Fact]
    public void Fit_IterationLimit_SaysItDidNotConverge()
    {
        (float[] rows, int[] labels) = SvmData.Blobs(200, Dim, Classes, 3, seed: 3);

        LinearSvmModel model = Fit(rows, Dim, labels, Classes, new LinearSvmOptions { C = 10, MaxIterations = 2 });

        Assert.False(model.Converged);
        Assert.Equal([2, 2, 2, 2], model.Iterations);
    }

    [Fact]
    public void Fit_ClassWithoutRows_IsNeverPreferred()
    {
        (float[] rows, int[] labels) = SvmData.Blobs(60, Dim, 3, 0.5, seed: 4);

        LinearSvmModel model = Fit(rows, Dim, labels, 4);

        double[] decisions = model.Decide(rows);
        Assert.All(Enumerable.Range(0, 60), row => Assert.NotEqual(3, TopK.Best(decisions.AsSpan(row * 4, 4))));
    }

    [Theory]
    [InlineData(0, 1e-6, "C = 0")]
    [InlineData(double.NaN, 1e-6, "C = NaN")]
    [InlineData(1, 0, "tolerance = 0")]
    public void Fit_ImpossibleOption_NamesIt(double c, double tolerance, string named)
    {
        UsageException error = Assert.Throws<UsageException>(() => Fit([1, 2], 1, [0, 1], 2, new LinearSvmOptions { C = c, Tolerance = tolerance }));

        Assert.Contains(named, error.Message);
    }

    [Fact]
    public void Fit_BadData_NamesTheRowOrLabel()
    {
        Assert.Contains("row 1", Assert.Throws<UsageException>(() => Fit([1, float.NaN], 1, [0, 1], 2)).Message);
        Assert.Contains("label 2", Assert.Throws<UsageException>(() => Fit([1, 2], 1, [0, 2], 2)).Message);
        Assert.Contains("whole rows", Assert.Throws<UsageException>(() => Fit([1, 2, 3], 2, [0, 1], 2)).Message);
        Assert.Contains("2 feature rows but 1 labels", Assert.Throws<UsageException>(() => Fit([1, 2], 1, [0], 2)).Message);
    }

    [Fact]
    public void Fit_Cancelled_Stops()
    {
        (float[] rows, int[] labels) = SvmData.Blobs(60, Dim, 3, 0.5, seed: 4);

        Assert.ThrowsAny<OperationCanceledException>(() => LinearSvm.Fit(rows, Dim, labels, 3, cancellation: new CancellationToken(canceled: true)));
    }

    private static LinearSvmModel Fit(ReadOnlySpan<float> rows, int dim, ReadOnlySpan<int> labels, int classes, LinearSvmOptions? options = null) =>
        LinearSvm.Fit(rows, dim, labels, classes, options, TestContext.Current.CancellationToken);

    /// <summary>Largest entry of the primal gradient: the objective is smooth and strictly convex, so zero means the optimum, whatever the solver.</summary>
    private static double LargestGradient(LinearSvmModel model, float[] rows, int[] labels, double c)
    {
        double[] decisions = model.Decide(rows);
        double largest = 0;
        for (int k = 0; k < model.Classes; k++)
        {
            double[] gradient = [.. model.Coefficients.AsSpan(k * model.Dim, model.Dim), model.Intercepts[k]];
            for (int row = 0; row < labels.Length; row++)
            {
                double y = labels[row] == k ? 1 : -1, slack = 1 - (y * decisions[(row * model.Classes) + k]);
                for (int d = 0; d <= model.Dim && slack > 0; d++)
                {
                    gradient[d] -= 2 * c * y * slack * (d < model.Dim ? rows[(row * model.Dim) + d] : 1);
                }
            }

            largest = Math.Max(largest, gradient.Max(Math.Abs));
        }

        return largest;
    }
}
