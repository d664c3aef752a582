using Xkd.Model.Evaluation;
using Xkd.Storage;

namespace Xkd.Model.Tests.Evaluation;

public class NearestNeighboursTests
{
    [Fact]
    public void Classify_OneNeighbour_TakesTheLabelOfTheNearestByAngle()
    {
        // The first gallery vector is far longer, and at a right angle to the query.
        FeatureSet train = Points([100, 0, 0.1f, 1, -1, -1], [0, 1, 2]), test = Points([0, 5], [1]);

        Assert.Equal([0, 1, 0], NearestNeighbours.Classify(train, test, new NeighbourOptions { K = 1 }));
    }

    [Fact]
    public void Classify_LowTemperature_NearNeighbourOutvotesTwoFarOnes()
    {
        FeatureSet train = Points([1, 0.05f, 1, 0.6f, 1, -0.6f], [0, 1, 1]), test = Points([1, 0], [0]);

        Assert.Equal(0, TopK.Best(NearestNeighbours.Classify(train, test, new NeighbourOptions { K = 3, Temperature = 0.05 })));
        Assert.Equal(1, TopK.Best(NearestNeighbours.Classify(train, test, new NeighbourOptions { K = 3, Temperature = 10 })));
    }

    [Fact]
    public void Classify_Blobs_BeatsChance()
    {
        FeatureSet train = SvmData.Features(120, 2, 16, 6, 1, seed: 1), test = SvmData.Features(60, 1, 16, 6, 1, seed: 2);

        double[] votes = NearestNeighbours.Classify(train, test);

        Assert.True(TopK.Accuracy(votes, 6, test.Labels, 1) > 60);
        Assert.All(Enumerable.Range(0, 60), row => Assert.Equal(1, votes[(row * 6)..((row + 1) * 6)].Sum(), 1e-9));
    }

    [Fact]
    public void Classify_OtherLength_IsAnError() =>
        Assert.Throws<UsageException>(() => NearestNeighbours.Classify(Points([1, 0], [0]), SvmData.Features(2, 1, 3, 2, 1, 1)));

    private static FeatureSet Points(float[] vectors, int[] labels) => new()
    {
        Ids = [.. labels.Select((_, i) => $"{i}")], Labels = labels, ClassNames = ["a", "b", "c"], Windows = 1, Dim = 2, Vectors = vectors,
    };
}
