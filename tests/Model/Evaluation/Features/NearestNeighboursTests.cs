using Xkd.Model.Evaluation;
using Xkd.Storage;

namespace Xkd.Model.Tests.Evaluation;

public sealed class NearestNeighboursTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xkd-neighbours-").FullName;

    [Fact]
    public async Task Classify_OneNeighbour_TakesTheLabelOfTheNearestByAngle()
    {
        // The first gallery vector is far longer, and at a right angle to the query.
        FeatureSet train = Points([100, 0, 0.1f, 1, -1, -1], [0, 1, 2]), test = Points([0, 5], [1]);

        var votes = await VotesAsync(train, test, new NeighbourOptions { K = 1 });

        Assert.Equal([0, 1, 0], votes);
    }

    [Fact]
    public async Task Classify_LowTemperature_NearNeighbourOutvotesTwoFarOnes()
    {
        FeatureSet train = Points([1, 0.05f, 1, 0.6f, 1, -0.6f], [0, 1, 1]), test = Points([1, 0], [0]);

        var sharp = await VotesAsync(train, test, new NeighbourOptions { K = 3, Temperature = 0.05 });
        var even = await VotesAsync(train, test, new NeighbourOptions { K = 3, Temperature = 10 });

        Assert.Equal((0, 1), (TopK.Best(sharp), TopK.Best(even)));
    }

    [Fact]
    public async Task Classify_Blobs_BeatsChance()
    {
        FeatureSet train = SvmData.Features(240, 1, 16, 6, 1, seed: 1), test = SvmData.Features(60, 1, 16, 6, 1, seed: 2);

        var votes = await VotesAsync(train, test, new NeighbourOptions());

        Assert.True(TopK.Accuracy(votes, 6, test.Labels, 1) > 60);
        Assert.All(Enumerable.Range(0, 60), row => Assert.Equal(1, votes[(row * 6)..((row + 1) * 6)].Sum(), 1e-9));
    }

    [Fact]
    public async Task Classify_OtherLength_IsAnError() =>
        await Assert.ThrowsAsync<UsageException>(() => VotesAsync(Points([1, 0], [0]), SvmData.Features(2, 1, 3, 2, 1, 1), new NeighbourOptions()));

    [Fact]
    public async Task Classify_QueryOfAnUnknownClass_IsNamed()
    {
        await using var gallery = await OpenAsync(Points([1, 0, 0, 1], [0, 1]));
        Task<(ClipScores, int)> Of(int label) => NearestNeighbours.ClassifyAsync(gallery, Points([1, 0], [label]), new NeighbourOptions(), TestContext.Current.CancellationToken);

        Assert.Contains("0 is of class c", (await Assert.ThrowsAsync<UsageException>(() => Of(2))).Message);
        Assert.Contains("0 has no label", (await Assert.ThrowsAsync<UsageException>(() => Of(-1))).Message);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task<double[]> VotesAsync(FeatureSet train, FeatureSet test, NeighbourOptions options)
    {
        await using var gallery = await OpenAsync(train);
        return (await NearestNeighbours.VotesAsync(gallery, test, options, TestContext.Current.CancellationToken)).Votes;
    }

    private async Task<FeatureFile> OpenAsync(FeatureSet set) => await FeatureFile.OpenAsync(await SvmData.WriteAsync(set, Path.Combine(_folder, "gallery.parquet")));

    private static FeatureSet Points(float[] vectors, int[] labels) => new()
    {
        Ids = [.. labels.Select((_, i) => $"{i}")], Labels = labels, ClassNames = ["a", "b", "c"], Windows = 1, Dim = 2, Vectors = vectors,
    };
}
