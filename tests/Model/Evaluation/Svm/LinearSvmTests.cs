using Xkd.Model.Evaluation;
using Xkd.Model.Torch;
using Xkd.Storage;

namespace Xkd.Model.Tests.Evaluation;

public class LinearSvmTests
{
    private const int Dim = 21, Classes = 4;

    public LinearSvmTests() => LibTorch.Load();

    public static TheoryData<string, double> Problems()
    {
        TheoryData<string, double> problems = [];
        foreach (var shape in new[] { "plain", "scaled", "wide", "doubled", "lonely", "far", "apart", "constant", "many-scaled", "many-doubled", "many-lonely", "many-far", "many-apart" })
        {
            foreach (var c in new[] { 0.001, 0.1, 1, 10 })
            {
                problems.Add(shape, c);
            }
        }

        return problems;
    }

    [Theory]
    [MemberData(nameof(Problems))]
    public void Fit_AnyProblem_IsTheOptimumInFewPasses(string shape, double c)
    {
        (var rows, var dim, var labels) = Problem(shape);

        var model = Fit(rows, dim, labels, Classes, new LinearSvmOptions { C = c, Tolerance = 1e-9 });

        Assert.True(model.Converged);
        Assert.InRange(model.Iterations.Max(), 1, 600); // 300 of coordinate descent where it does not end

        var epsilon = Math.BitIncrement(1.0) - 1;

        // The objective's curvature is at least 1: the gradient's norm bounds the distance from the optimum. Coordinate descent leaves each row's slack within the tolerance, which makes
        // 2C of it a row; the sums themselves are rounded, and so is each row's slack, by some epsilons of row times weights.
        var longest = Math.Sqrt(Enumerable.Range(0, labels.Length).Max(row => 1 + rows.AsSpan(row * dim, dim).ToArray().Sum(v => (double)v * v)));
        for (var k = 0; k < Classes; k++)
        {
            (var gradient, var size) = Gradient(model, rows, labels, c, k);
            var weights = Math.Sqrt(model.Coefficients.AsSpan(k * dim, dim).ToArray().Sum(w => w * w) + (model.Intercepts[k] * model.Intercepts[k]));
            Assert.InRange(gradient, 0, (1e-9 * weights) + (2 * c * labels.Length * 1e-9 * longest) + (epsilon * ((rows.Length * size) + (2 * c * labels.Length * 5 * longest * longest * weights))));
        }
    }

    [Fact]
    public void Fit_Standardised_IsTheOptimumOfStandardisedRows()
    {
        (var rows, var dim, var labels) = Problem("scaled");
        var held = RowBlocks.Copy(rows, dim);
        var scaler = FeatureScaler.Standardise(held, SvmTargets.Single(labels, Classes), TestContext.Current.CancellationToken);
        float[] scaled = [.. rows.Select((v, i) => (float)((v - scaler.Mean[i % dim]) * scaler.Scale[i % dim]))];
        Assert.All(Enumerable.Range(0, dim), d => Assert.Equal(1, scaled.Where((_, i) => i % dim == d).Average(v => (double)v * v), 1e-5)); // float32

        var model = LinearSvm.Fit(held, SvmTargets.Single(labels, Classes), scaler, new LinearSvmOptions { C = 10 }, TestContext.Current.CancellationToken);
        var plain = Fit(scaled, dim, labels, Classes, new LinearSvmOptions { C = 10 });

        // Rounding the scaled rows to float32 moves them by 6e-8 of their size, and the optimum by some of that: decisions agree to 1e-4 of the margin.
        Assert.All(model.Decide(rows).Zip(plain.Decide(scaled)), p => Assert.Equal(p.First, p.Second, 1e-4));
    }

    [Fact]
    public void Standardise_ConstantButForRounding_IsLeftOut()
    {
        float[] rows = [1000, 1, MathF.BitIncrement(1000), 2, 1000, 4];
        var scaler = FeatureScaler.Standardise(RowBlocks.Copy(rows, 2), SvmTargets.Single([0, 1, 0], 2), TestContext.Current.CancellationToken);
        Assert.Equal(0, scaler.Scale[0]);
        Assert.Equal(1 / Math.Sqrt(14.0 / 9), scaler.Scale[1], 1e-12); // of three numbers
    }

    [Fact]
    public void Fit_RowsNotUsed_AreAsIfTheyWereNot()
    {
        (var rows, var labels) = SvmData.Blobs(200, Dim, Classes, 2, seed: 2);
        bool[] used = [.. labels.Select((_, i) => i < 150)];
        var part = LinearSvm.Fit(
            RowBlocks.Copy(rows, Dim), SvmTargets.Single(labels, Classes).On(used), FeatureScaler.None(Dim), new LinearSvmOptions(), TestContext.Current.CancellationToken);
        var alone = Fit(rows.AsSpan(0, 150 * Dim), Dim, labels.AsSpan(0, 150), Classes);
        Near(part, alone);
    }

    [Fact]
    public void Gradient_CoefficientMoved_IsSeen()
    {
        (var rows, var labels) = SvmData.Blobs(90, Dim, Classes, 1.5, seed: 1);
        var model = Fit(rows, Dim, labels, Classes, new LinearSvmOptions { Tolerance = 1e-10 });

        model.Coefficients[5] += 1e-3;

        Assert.True(Gradient(model, rows, labels, 1, 0).Norm > 1e-4);
    }

    [Fact]
    public void Fit_LargerInterceptScaling_RegularisesTheBiasLess()
    {
        // All on one side of the origin: a free bias is large.
        float[] rows = [10, 11, 12, 13];
        int[] labels = [0, 0, 1, 1];

        var tight = Fit(rows, 1, labels, 2, new LinearSvmOptions { InterceptScaling = 1 });
        var free = Fit(rows, 1, labels, 2, new LinearSvmOptions { InterceptScaling = 100, MaxIterations = 1_000_000 });
        var none = Fit(rows, 1, labels, 2, new LinearSvmOptions { InterceptScaling = 0 });

        Assert.True(free.Intercepts[0] > tight.Intercepts[0] + 1);
        Assert.Equal(0, none.Intercepts[0]);
    }

    [Fact]
    public void Fit_IterationLimit_SaysItDidNotConverge()
    {
        (var rows, var labels) = SvmData.Blobs(200, Dim, Classes, 3, seed: 3);

        var model = Fit(rows, Dim, labels, Classes, new LinearSvmOptions { C = 10, MaxIterations = 2 });

        Assert.False(model.Converged);
        Assert.Equal([2, 2, 2, 2], model.Iterations);
    }

    [Fact]
    public void Fit_ClassWithoutRows_IsNeverPreferred()
    {
        (var rows, var labels) = SvmData.Blobs(60, Dim, 3, 0.5, seed: 4);

        var model = Fit(rows, Dim, labels, 4);

        var decisions = model.Decide(rows);
        Assert.All(Enumerable.Range(0, 60), row => Assert.NotEqual(3, TopK.Best(decisions.AsSpan(row * 4, 4))));
    }

    [Theory]
    [InlineData(0, 1e-6, "C = 0")]
    [InlineData(double.NaN, 1e-6, "C = NaN")]
    [InlineData(1, 0, "tolerance = 0")]
    public void Fit_ImpossibleOption_NamesIt(double c, double tolerance, string named)
    {
        var error = Assert.Throws<UsageException>(() => Fit([1, 2], 1, [0, 1], 2, new LinearSvmOptions { C = c, Tolerance = tolerance }));

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
        (var rows, var labels) = SvmData.Blobs(60, Dim, 3, 0.5, seed: 4);

        Assert.ThrowsAny<OperationCanceledException>(() => LinearSvm.Fit(rows, Dim, labels, 3, cancellation: new CancellationToken(canceled: true)));
    }

    private static LinearSvmModel Fit(ReadOnlySpan<float> rows, int dim, ReadOnlySpan<int> labels, int classes, LinearSvmOptions? options = null) =>
        LinearSvm.Fit(rows, dim, labels, classes, options, TestContext.Current.CancellationToken);

    /// <summary>Two fits of one problem, each within 1e-6 of the optimum.</summary>
    private static void Near(LinearSvmModel one, LinearSvmModel other)
    {
        for (var k = 0; k < one.Classes; k++)
        {
            double[] a = one.Coefficients[(k * one.Dim)..((k + 1) * one.Dim)], b = other.Coefficients[(k * one.Dim)..((k + 1) * one.Dim)];
            var size = Math.Sqrt(a.Sum(v => v * v) + (one.Intercepts[k] * one.Intercepts[k]));
            Assert.InRange(Math.Sqrt(a.Zip(b, (x, y) => (x - y) * (x - y)).Sum() + Math.Pow(one.Intercepts[k] - other.Intercepts[k], 2)), 0, 2e-6 * size);
        }
    }

    /// <summary>Small problems that are hard in one way each.</summary>
    private static (float[] Rows, int Dim, int[] Labels) Problem(string shape)
    {
        // Many rows go to Newton's method at once, few to coordinate descent first.
        var dim = shape == "wide" ? 200 : Dim;
        (var rows, var labels) = SvmData.Blobs(shape.StartsWith("many-", StringComparison.Ordinal) ? 600 : 90, dim, Classes, shape.EndsWith("apart", StringComparison.Ordinal) ? 0.05 : 1.5, seed: 1);
        return shape.Replace("many-", string.Empty, StringComparison.Ordinal) switch
        {
            "scaled" => ([.. rows.Select((v, i) => v * MathF.Pow(10, (i % dim % 7) - 3))], dim, labels),
            "doubled" => ([.. rows, .. rows], dim, [.. labels, .. labels.Select((l, i) => i % 3 == 0 ? (l + 1) % Classes : l)]), // some of them of two classes
            "lonely" => (rows, dim, [.. labels.Select((l, i) => l == 3 && i > 3 ? 0 : l)]),
            "far" => ([.. rows.Select(v => v + 1000)], dim, labels),
            "constant" => ([.. rows.Select((v, i) => i % dim < 3 ? 2 : v)], dim, labels),
            _ => (rows, dim, labels),
        };
    }

    /// <summary>Norm of a class's gradient, plainly: the objective is smooth and strictly convex, so zero means the optimum, whatever the solver. And the size of what it sums.</summary>
    private static (double Norm, double Size) Gradient(LinearSvmModel model, float[] rows, int[] labels, double c, int k)
    {
        var decisions = model.Decide(rows);
        double[] gradient = [.. model.Coefficients.AsSpan(k * model.Dim, model.Dim), model.Intercepts[k]];
        double size = 0;
        for (var row = 0; row < labels.Length; row++)
        {
            double y = labels[row] == k ? 1 : -1, slack = 1 - (y * decisions[(row * model.Classes) + k]);
            for (var d = 0; d <= model.Dim && slack > 0; d++)
            {
                var part = 2 * c * y * slack * (d < model.Dim ? rows[(row * model.Dim) + d] : 1);
                gradient[d] -= part;
                size += Math.Abs(part);
            }
        }

        return (Math.Sqrt(gradient.Sum(g => g * g)), size);
    }
}
