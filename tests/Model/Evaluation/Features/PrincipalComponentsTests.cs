using Xkd.Model.Evaluation;
using Xkd.Model.Torch;
using Xkd.Storage;

namespace Xkd.Model.Tests.Evaluation;

public class PrincipalComponentsTests
{
    public PrincipalComponentsTests() => LibTorch.Load();

    [Fact]
    public void Of_StretchedCloud_FindsItsAxesInOrder()
    {
        // Standard deviations 5, 2 and 0.1 along known orthogonal axes, away from the origin.
        double[][] axes = [[0.6, 0.8, 0], [-0.8, 0.6, 0], [0, 0, 1]];
        double[] deviations = [5, 2, 0.1];
        SplitMix64 random = new(3);
        var rows = new float[3 * 4000];
        for (var row = 0; row < 4000; row++)
        {
            double[] amounts = [.. deviations.Select(s => s * random.NextNormal())];
            for (var d = 0; d < 3; d++)
            {
                rows[(row * 3) + d] = (float)(10 + Enumerable.Range(0, 3).Sum(a => amounts[a] * axes[a][d]));
            }
        }

        var pca = PrincipalComponents.Of(rows, 3);

        Assert.All(pca.Directions[..3].Zip(axes[0]), pair => Assert.Equal(pair.Second, pair.First, 0.02));
        Assert.All(pca.Directions[3..].Zip(axes[1]), pair => Assert.Equal(-pair.Second, pair.First, 0.02)); // largest entry positive
        Assert.Equal([25 / 29.01, 4 / 29.01], pca.Explained, (a, b) => Math.Abs(a - b) < 0.02);
        var map = pca.Project(rows);
        Assert.Equal(0, map.Average(), 1e-4);
        Assert.Equal(5, Math.Sqrt(map.Where((_, i) => i % 2 == 0).Average(v => v * v)), 0.2);
    }

    [Fact]
    public void Of_WideRows_DirectionsAreEigenvectors()
    {
        var set = SvmData.Features(30, 1, 64, 5, 0.5, seed: 1);

        var pca = PrincipalComponents.Of(set.Vectors, 64, 3);

        var map = pca.Project(set.Vectors);
        for (var a = 0; a < 3; a++)
        {
            for (var b = 0; b < a; b++)
            {
                // Coordinates along different components are uncorrelated only if these are eigenvectors.
                Assert.Equal(0, Enumerable.Range(0, 30).Sum(r => map[(r * 3) + a] * map[(r * 3) + b]) / 29, 1e-5);
            }
        }
    }

    [Fact]
    public void Of_ConstantRows_GivesZeroes()
    {
        var pca = PrincipalComponents.Of([1, 2, 1, 2, 1, 2], 2);

        Assert.Equal([0, 0], pca.Explained);
        Assert.All(pca.Project([1, 2]), v => Assert.Equal(0, v));
    }

    [Fact]
    public void Of_OneRow_IsAnError() => Assert.Throws<UsageException>(() => PrincipalComponents.Of([1, 2], 2));
}
