using Xkd.Model.Evaluation;
using Xkd.Model.Torch;
using Xkd.Storage;

namespace Xkd.Model.Tests.Evaluation;

public sealed class StreamedSvmTests : IDisposable
{
    private const int Classes = 4, Dim = 12, BlockBytes = 1 << 12;
    private readonly string _folder = Directory.CreateTempSubdirectory("xkd-stream-").FullName;

    public StreamedSvmTests() => LibTorch.Load();

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
        using var rows = await RowsAsync(train, "a", scaling == FeatureScaling.UnitLength);
        SvmConfig config = new() { C = [c], Scaling = scaling };
        var whole = SvmProbe.Run(train, test, config, Token);
        var streamed = SvmProbe.Run(rows, rows, config, _ => { }, Token);
        Assert.True(whole.Converged && streamed.Converged);
        Assert.InRange(streamed.Passes, 1, 100);

        // Each is within 1e-6 of the optimum, relative to its weights; a block more or less changes only the order of sums.
        var size = Math.Sqrt(whole.Model.Coefficients.Sum(w => w * w));
        Assert.InRange(Math.Sqrt(whole.Model.Coefficients.Zip(streamed.Model.Coefficients, (x, y) => (x - y) * (x - y)).Sum()), 0, 4e-6 * size);
        Assert.True(Blocks(rows.Rows).Count > 5);
    }

    [Fact]
    public async Task ForEachBlock_MoreRowsThanABlock_HoldsOneBlockInMemory()
    {
        var set = SvmData.Features(500, 1, Dim, Classes, 3, seed: 3);
        using var rows = await RowsAsync(set, "a");
        Assert.Null(rows.Rows.Values);
        var blocks = Blocks(rows.Rows);
        Assert.All(blocks, b => Assert.InRange(b.Block.Length * sizeof(float), 1, BlockBytes));
        Assert.Single(blocks.Select(b => b.Block).Distinct()); // read into the same memory
        Assert.Equal(Enumerable.Range(0, 500), blocks.SelectMany(b => Enumerable.Range(b.First, b.Count)));
        using var few = await RowsAsync(set.Select([.. Enumerable.Range(0, 32)]), "b");
        Assert.Single(Blocks(few.Rows));
        Assert.NotNull(few.Rows.Values);
    }

    [Fact]
    public async Task RunAsync_SeveralC_ChoosesOnHeldOutRowsAndScoresLikeTheProbe()
    {
        FeatureSet train = SvmData.Features(240, 1, Dim, Classes, 1, seed: 3), test = SvmData.Features(120, 1, Dim, Classes, 1, seed: 4);
        await WriteAsync(train, "train");
        await WriteAsync(test, "test");
        SvmConfig config = new() { C = [0.001, 0.1, 10], Scaling = FeatureScaling.Standardise };
        EvaluationResult first = await RunAsync(config), second = await RunAsync(config);
        var whole = SvmProbe.Run(train, test, config, Token);
        Assert.Equal(3, first.HeldOut!.Count);
        Assert.Equal(first.HeldOut.Values.Max(), first.HeldOut[$"{first.C}"]);
        Assert.Equal((whole.Model.C, whole.Scores.Value, whole.Scores.Top5), (first.C!.Value, first.Value, first.Top5!.Value));
        Assert.Equal((true, whole.Converged), (first.Converged, whole.Converged));
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
        var train = SvmData.Features(240, 1, Dim, Classes, 3, seed: 3);
        await WriteAsync(train, "train");
        await WriteAsync(SvmData.Features(120, 1, Dim, Classes, 3, seed: 4), "test");
        List<string> log = [];
        var result = await RunAsync(new SvmConfig { C = [0.1, 10], MaxIterations = 3 }, log.Add);
        Assert.Equal((false, 3), (result.Converged, result.Passes));
        Assert.Contains(result.Notes!, n => n.Contains("max_iterations", StringComparison.Ordinal));
        Assert.Contains(log, l => l.Contains("not converged", StringComparison.Ordinal));
    }

    [Fact]
    public async Task RunAsync_NothingToHoldOut_IsRefused()
    {
        var few = SvmData.Features(Classes, 1, Dim, Classes, 1, seed: 3);
        await WriteAsync(few, "train");
        await WriteAsync(few, "test");
        Assert.Contains("give one value of C", (await Assert.ThrowsAsync<UsageException>(() => RunAsync(new SvmConfig { C = [0.1, 1] }))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_FeaturesOfAnotherEncoder_AreRefused()
    {
        var set = SvmData.Features(20, 1, Dim, Classes, 1, seed: 3);
        await WriteAsync(set, "train", ("xkd.branch", "student"));
        await WriteAsync(set, "test", ("xkd.branch", "teacher"));
        Assert.Contains("branch student and teacher", (await Assert.ThrowsAsync<UsageException>(() => RunAsync(new SvmConfig { C = [0.1] }))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ClassifyAsync_Gallery_AgreesWithAllRowsAtOnce()
    {
        FeatureSet train = SvmData.Features(240, 1, Dim, Classes, 1, seed: 3), test = SvmData.Features(60, 1, Dim, Classes, 1, seed: 4);
        await using var gallery = await FeatureFile.OpenAsync(await WriteAsync(train, "train"));
        (var streamed, var shared) = await NearestNeighbours.ClassifyAsync(gallery, test, new NeighbourOptions { K = 7 }, Token);
        Assert.Equal(100.0 * Enumerable.Range(0, test.Clips).Count(query => Nearest(train, test.Clip(query).ToArray(), 7) == test.Labels[query]) / test.Clips, streamed.Value, 1e-9);
        Assert.Equal(0, shared);
        Assert.Equal(240, (await NearestNeighbours.ClassifyAsync(gallery, train, new NeighbourOptions { K = 7 }, Token)).Shared);
    }

    [Fact]
    public async Task CreateAsync_RowsThatCannotBeUsed_AreNamed()
    {
        var set = SvmData.Features(8, 1, 2, 2, 1, seed: 3);
        Assert.Contains("clip3", (await Assert.ThrowsAsync<UsageException>(() => RowsAsync(set with { Labels = [0, 0, 1, -1, 1, 1, 1, 1] }, "bare"))).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder, "*.f32"));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static List<(float[] Block, int First, int Count)> Blocks(RowBlocks rows)
    {
        List<(float[] Block, int First, int Count)> blocks = [];
        rows.ForEachBlock((first, count, block) => blocks.Add((block, first, count)), Token);
        return blocks;
    }

    // The class with the most votes, plainly.
    private static int Nearest(FeatureSet gallery, float[] query, int k)
    {
        double Cosine(float[] x) => x.Zip(query, (a, b) => (double)a * b).Sum() / Math.Sqrt(x.Sum(v => (double)v * v) * query.Sum(v => (double)v * v));
        return Enumerable.Range(0, gallery.Clips)
            .Select(clip => (Similarity: Cosine(gallery.Clip(clip).ToArray()), Label: gallery.Labels[clip]))
            .OrderByDescending(n => n.Similarity).Take(k).GroupBy(n => n.Label)
            .MaxBy(label => label.Sum(n => Math.Exp((n.Similarity - 1) / new NeighbourOptions().Temperature)))!.Key;
    }

    private async Task<LabelledRows> RowsAsync(FeatureSet set, string name, bool unitLength = false)
    {
        await using var file = await FeatureFile.OpenAsync(await WriteAsync(set, name));
        return await LabelledRows.OfFileAsync(file, null, unitLength, _folder, Token, blockBytes: BlockBytes);
    }

    private Task<EvaluationResult> RunAsync(SvmConfig config, Action<string>? log = null) => SvmProbe.RunAsync(
        Path.Combine(_folder, "train.parquet"), Path.Combine(_folder, "test.parquet"), _folder, config,
        new EvaluationResult { Dataset = "d", Protocol = "svm", Modality = "video", Branch = "teacher", WeightsSha256 = "ab" }, log ?? (_ => { }), Token);

    private Task<string> WriteAsync(FeatureSet set, string name, params (string Key, string Value)[] metadata) =>
        SvmData.WriteAsync(set, Path.Combine(_folder, name + ".parquet"), metadata);
}
