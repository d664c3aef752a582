using System.Text.Json;
using Xkd.Model.Evaluation;
using Xkd.Model.Torch;
using Xkd.Storage;

namespace Xkd.Model.Tests.Evaluation;

public class SvmProbeTests
{
    public SvmProbeTests() => LibTorch.Load();

    private static readonly FeatureSet Train = SvmData.Features(80, 2, 12, 8, 2, seed: 1);
    private static readonly FeatureSet Test = SvmData.Features(40, 3, 12, 8, 2, seed: 2, prefix: "test");

    [Fact]
    public void Run_SeveralC_ChoosesOnHeldOutTrainingClips()
    {
        var result = Run(Train, Test, new SvmConfig { C = [1e-6, 0.01, 1], Seed = 3, Scaling = FeatureScaling.None });

        Assert.Equal(result.HeldOut.Values.Max(), result.HeldOut[result.Model.C]);
        Assert.Contains("seed 3", result.Selection);
        Assert.Equal(3, result.HeldOut.Count);
        Assert.True(result.Scores.Value > 30, $"chance is 12.5 %, got {result.Scores.Value}");
        Assert.True(result.Scores.Top5 >= result.Scores.Value);
    }

    [Fact]
    public void Run_TestLabelsShuffled_SameChoiceOfC()
    {
        var wrong = Test with { Labels = [.. Test.Labels.Reverse()] };
        SvmConfig options = new() { C = [1e-6, 0.001, 0.01, 1], Scaling = FeatureScaling.None };

        SvmProbeResult honest = Run(Train, Test, options), shuffled = Run(Train, wrong, options);

        Assert.Equal(honest.Model.C, shuffled.Model.C);
        Assert.Equal(honest.Model.Decide(Test.Vectors), shuffled.Model.Decide(Test.Vectors));
        Assert.NotEqual(honest.Scores.Value, shuffled.Scores.Value);
    }

    [Fact]
    public void Run_OneC_RefitsOnEveryTrainingWindow()
    {
        var result = Run(Train, Test, new SvmConfig { C = [0.1], Scaling = FeatureScaling.None });

        var direct = LinearSvm.Fit(Train.Vectors, Train.Dim, [.. Train.Labels.SelectMany(l => Enumerable.Repeat(l, Train.Windows))], 8, new LinearSvmOptions { C = 0.1 }, TestContext.Current.CancellationToken);
        Assert.Equal(direct.Coefficients, result.Model.Coefficients);
        Assert.Empty(result.HeldOut);
        Assert.Equal("C 0.1 was given", result.Selection);
    }

    [Fact]
    public void Run_PerClassTable_AgreesWithConfusionAndTop1()
    {
        var result = Run(Train, Test);

        Assert.Equal(40, result.Scores.Confusion!.ToRows().Sum(r => r.Sum()));
        Assert.Equal(result.Scores.Value, result.Scores.PerClass.Values.Average(), 1e-9); // the classes are equally large
    }

    [Fact]
    public void Run_Standardise_IsBlindToUnitsOfFeatures()
    {
        FeatureSet Rescale(FeatureSet set) => set with { Vectors = [.. set.Vectors.Select((v, i) => i % set.Dim == 0 ? v * 1024 : v)] };
        SvmConfig options = new() { C = [0.1], Scaling = FeatureScaling.Standardise };

        Assert.All(Decisions(Train, Test, options).Zip(Decisions(Rescale(Train), Rescale(Test), options)), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
        // Where the regulariser weighs as much as the rows, a feature of other units is another problem.
        var none = options with { C = [0.001], Scaling = FeatureScaling.None };
        Assert.True(Decisions(Train, Test, none).Zip(Decisions(Rescale(Train), Rescale(Test), none)).Max(pair => Math.Abs(pair.First - pair.Second)) > 1e-3);
    }

    [Fact]
    public void Run_UnitLength_IsBlindToLengthOfVectors()
    {
        var longer = Test with { Vectors = [.. Test.Vectors.Select(v => v * 8)] };
        SvmConfig options = new() { C = [1], Scaling = FeatureScaling.UnitLength };

        Assert.Equal(Run(Train, Test, options).Scores.Value, Run(Train, longer, options).Scores.Value);
    }

    [Fact]
    public void Run_UnlabelledClipOrOtherFeatures_NamesIt()
    {
        Assert.Contains("test3", Assert.Throws<UsageException>(() => Run(Train, Test with { Labels = [.. Test.Labels.Select((l, i) => i == 3 ? -1 : l)] })).Message);
        Assert.Contains("belong together", Assert.Throws<UsageException>(() => Run(Train, SvmData.Features(8, 1, 13, 8, 1, 1))).Message);
    }

    [Fact]
    public void With_Probe_GivesTheContractsFields()
    {
        var result = new EvaluationResult
        {
            Dataset = "esc50", Protocol = "svm", Fold = 2, Modality = "audio", Branch = "teacher", Seed = 7, WeightsSha256 = "ab",
        };
        SvmConfig config = new() { C = [0.1], Scaling = FeatureScaling.None };
        var probe = Run(Train, Test, config);
        result = result.With(probe);

        using var json = JsonDocument.Parse(result.ToJson());
        string[] contract = ["converged", "passes", "dataset", "protocol", "fold", "modality", "branch", "seed", "metric", "value", "per_class", "c", "weights_sha256"];
        Assert.All(contract, name => Assert.True(json.RootElement.TryGetProperty(name, out _), name));
        Assert.Equal(1, json.RootElement.GetProperty("schema").GetInt32());
        Assert.Equal(8, json.RootElement.GetProperty("per_class").EnumerateObject().Count());
        Assert.Equal(result.ToJson(), EvaluationResult.FromJson(result.ToJson()).ToJson());
    }

    [Fact]
    public void Run_TooFewPasses_IsSaidInTheResult()
    {
        SvmConfig config = new() { C = [0.01, 10], Scaling = FeatureScaling.None, MaxIterations = 2 };
        var probe = Run(Train, Test, config);
        var result = new EvaluationResult { Dataset = "d", Protocol = "svm", Modality = "video", Branch = "teacher", WeightsSha256 = "ab", Notes = ["other"] }
            .With(probe);

        Assert.Equal((false, 2), (result.Converged, result.Passes));
        Assert.Contains("max_iterations", Assert.Single(result.Notes!, n => n != "other"), StringComparison.Ordinal);
        Assert.False(EvaluationResult.MeanOf([result with { Fold = 1 }, result with { Fold = 2, Converged = true }]).Converged);
    }

    private static double[] Decisions(FeatureSet train, FeatureSet test, SvmConfig config) => Run(train, test, config).Model.Decide(test.Vectors);

    private static SvmProbeResult Run(FeatureSet train, FeatureSet test, SvmConfig? config = null) =>
        SvmProbe.Run(train, test, config ?? new SvmConfig { Scaling = FeatureScaling.None }, TestContext.Current.CancellationToken);
}
