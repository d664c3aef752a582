using Xkd.Model.Configuration;
using Xkd.Model.Evaluation;
using Xkd.Storage;

namespace Xkd.Model.Tests.Evaluation;

public sealed class StreamedSvmTests : IDisposable
{
    private const int Classes = 4, Dim = 12;
    private readonly string _folder = Directory.CreateTempSubdirectory("xkd-stream-").FullName;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0.001, FeatureScaling.None)]
    [InlineData(0.1, FeatureScaling.UnitLength)]
    [InlineData(10, FeatureScaling.None)]
    [InlineData(10, FeatureScaling.UnitLength)]
    [InlineData(10, FeatureScaling.Standardise)]
    public async Task Fit_BlockByBlock_ReachesTheOptimumOfAllRowsAtOnce(double c, FeatureScaling scaling)
    {
        FeatureSet train = SvmData.Features(500, 1, Dim, Classes, 3, seed: 3), test = SvmData.Features(200, 1, Dim, Classes, 3, seed: 4);
        using FeatureSpool spool = await SpoolAsync(train, "a", scaling == FeatureScaling.UnitLength);
        SvmConfig config = new() { C = [c], Scaling = scaling };
        SvmProbeResult whole = SvmProbe.Run(train, test, config, Token);
        SvmFits streamed = SvmProbe.Fit(spool, SvmTargets.Single(spool.Labels, Classes), null, config, _ => 0, _ => { }, Token);
        Assert.True(whole.Fits.Converged && streamed.Converged);
        Assert.InRange(streamed.Passes, 1, 100);

        // Each is within 1e-6 of the optimum, relative to its weights; a block more or less changes only the order of sums.
        double size = Math.Sqrt(whole.Model.Coefficients.Sum(w => w * w));
        Assert.InRange(Math.Sqrt(whole.Model.Coefficients.Zip(streamed.Model.Coefficients, (x, y) => (x - y) * (x - y)).Sum()), 0, 4e-6 * size);
        Assert.True(Blocks(spool) > 5);
    }

    [Fact]
    public async Task RunAsync_SeveralC_ChoosesOnHeldOutRowsAndScoresLikeTheProbe()
    {
        FeatureSet train = SvmData.Features(240, 1, Dim, Classes, 1, seed: 3), test = SvmData.Features(120, 1, Dim, Classes, 1, seed: 4);
        await WriteAsync(train, "train");
        await WriteAsync(test, "test");
        SvmConfig config = new() { C = [0.001, 0.1, 10], Scaling = FeatureScaling.Standardise };
        EvaluationResult first = await RunAsync(config), second = await RunAsync(config);
        SvmProbeResult whole = SvmProbe.Run(train, test, config, Token);
        Assert.Equal(3, first.HeldOut!.Count);
        Assert.Equal(first.HeldOut.Values.Max(), first.HeldOut[$"{first.C}"]);
        Assert.Equal((whole.C, whole.Top1, whole.Top5), (first.C!.Value, first.Value, first.Top5!.Value));
        Assert.Equal((true, whole.Fits.Converged), (first.Converged, whole.Fits.Converged));
        Assert.Equal(first.ToJson(), second.ToJson());
        Assert.Empty(Directory.GetFiles(_folder, "*.f32"));
    }

    [Fact]
    public async Task RunAsync_TrainingRowsAmongTheTestRows_AreCountedInTheNotes()
    {
        FeatureSet train = SvmData.Features(40, 1, Dim, Classes, 1, seed: 3), test = SvmData.Features(20, 1, Dim, Classes, 1, seed: 4);
        await WriteAsync(train, "train");
        await WriteAsync(test with { Vectors = [.. train.Vectors[..(5 * Dim)], .. test.Vectors[(5 * Dim)..]] }, "test");
        Assert.Equal(["5 of 20 test rows are training rows, too: the value says little of new clips"], (await RunAsync(new SvmConfig { C = [0.1] })).Notes);
        await WriteAsync(test, "test");
        Assert.Null((await RunAsync(new SvmConfig { C = [0.1] })).Notes); // the same ids, of other clips
    }

    [Fact]
    public async Task RunAsync_TooFewPasses_IsSaidInResultAndLog()
    {
        FeatureSet train = SvmData.Features(240, 1, Dim, Classes, 3, seed: 3);
        await WriteAsync(train, "train");
        await WriteAsync(SvmData.Features(120, 1, Dim, Classes, 3, seed: 4), "test");
        List<string> log = [];
        EvaluationResult result = await RunAsync(new SvmConfig { C = [0.1, 10], MaxIterations = 3 }, log.Add);
        Assert.Equal((false, 3), (result.Converged, result.Passes));
        Assert.Contains(result.Notes!, n => n.Contains("max_iterations", StringComparison.Ordinal));
        Assert.Contains(log, l => l.Contains("not converged", StringComparison.Ordinal));
    }

    [Fact]
    public async Task RunAsync_NothingToHoldOut_IsRefused()
    {
        FeatureSet few = SvmData.Features(Classes, 1, Dim, Classes, 1, seed: 3);
        await WriteAsync(few, "train");
        await WriteAsync(few, "test");
        Assert.Contains("give one value of C", (await Assert.ThrowsAsync<UsageException>(() => RunAsync(new SvmConfig { C = [0.1, 1] }))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_FeaturesOfAnotherEncoder_AreRefused()
    {
        FeatureSet set = SvmData.Features(20, 1, Dim, Classes, 1, seed: 3);
        await WriteAsync(set, "train", ("xkd.branch", "student"));
        await WriteAsync(set, "test", ("xkd.branch", "teacher"));
        Assert.Contains("branch student and teacher", (await Assert.ThrowsAsync<UsageException>(() => RunAsync(new SvmConfig { C = [0.1] }))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ClassifyAsync_Gallery_AgreesWithAllRowsAtOnce()
    {
        FeatureSet train = SvmData.Features(240, 1, Dim, Classes, 1, seed: 3), test = SvmData.Features(60, 1, Dim, Classes, 1, seed: 4);
        await using FeatureFile gallery = await FeatureFile.OpenAsync(await WriteAsync(train, "train"));
        (ClipScores streamed, int shared) = await StreamedNeighbours.ClassifyAsync(gallery, test, new NeighbourOptions { K = 7 }, Token);
        double[] votes = NearestNeighbours.Classify(train, test, new NeighbourOptions { K = 7 });
        Assert.Equal(TopK.Accuracy(votes, Classes, test.Labels, 1), streamed.Value, 1e-9);
        Assert.Equal(0, shared);
        Assert.Equal(240, (await StreamedNeighbours.ClassifyAsync(gallery, train, new NeighbourOptions { K = 7 }, Token)).Shared);
    }

    [Fact]
    public async Task CreateAsync_RowsThatCannotBeUsed_AreNamed()
    {
        FeatureSet set = SvmData.Features(8, 1, 2, 2, 1, seed: 3);
        Assert.Contains("clip3", (await Assert.ThrowsAsync<UsageException>(() => SpoolAsync(set with { Labels = [0, 0, 1, -1, 1, 1, 1, 1] }, "bare"))).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder, "*.f32"));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static int Blocks(FeatureSpool spool)
    {
        int blocks = 0;
        spool.ForEachBlock((_, _, _) => blocks++, Token);
        return blocks;
    }

    private async Task<FeatureSpool> SpoolAsync(FeatureSet set, string name, bool unitLength = false)
    {
        await using FeatureFile file = await FeatureFile.OpenAsync(await WriteAsync(set, name));
        return await FeatureSpool.CreateAsync(file, null, unitLength, _folder, Token, blockBytes: 1 << 12);
    }

    private Task<EvaluationResult> RunAsync(SvmConfig config, Action<string>? log = null) => new StreamedProbe(config, log ?? (_ => { })).RunAsync(
        Path.Combine(_folder, "train.parquet"), Path.Combine(_folder, "test.parquet"), _folder,
        new EvaluationResult { Dataset = "d", Protocol = "svm", Modality = "video", Branch = "teacher", WeightsSha256 = "ab" }, Token);

    private async Task<string> WriteAsync(FeatureSet set, string name, params (string Key, string Value)[] metadata)
    {
        string path = Path.Combine(_folder, name + ".parquet");
        await using FeatureFileWriter writer = await FeatureFileWriter.CreateAsync(path, set.Dim, metadata.ToDictionary(m => m.Key, m => m.Value, StringComparer.Ordinal));
        for (int i = 0; i < set.Clips; i++)
        {
            await writer.AppendAsync(set.Ids[i], set.Labels[i] < 0 ? null : set.ClassNames[set.Labels[i]], set.Vectors.AsMemory(i * set.Dim, set.Dim));
        }

        await writer.CommitAsync();
        return path;
    }
}
