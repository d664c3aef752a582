using System.Text.Json;
using Xkd.Model.Evaluation;
using Xkd.Storage;

namespace Xkd.Model.Tests.Evaluation;

public class SvmProbeTests
{
    private static readonly FeatureSet Train = SvmData.Features(80, 2, 12, 8, 2, seed: 1);
    private static readonly FeatureSet Test = SvmData.Features(40, 3, 12, 8, 2, seed: 2, prefix: "test");

    [Fact]
    public void Run_SeveralC_ChoosesOnHeldOutTrainingClips()
    {
        SvmProbeResult result = Run(Train, Test, new SvmProbeOptions { Cs = [1e-6, 0.01, 1], Seed = 3 });

        Assert.Equal(result.HeldOut.Values.Max(), result.HeldOut[result.C]);
        Assert.Contains("seed 3", result.Selection);
        Assert.Equal(3, result.HeldOut.Count);
        Assert.True(result.Top1 > 30, $"chance is 12.5 %, got {result.Top1}");
        Assert.True(result.Top5 >= result.Top1);
    }

    [Fact]
    public void Run_TestLabelsShuffled_SameChoiceOfC()
    {
        FeatureSet wrong = Test with { Labels = [.. Test.Labels.Reverse()] };
        SvmProbeOptions options = new() { Cs = [1e-6, 0.001, 0.01, 1] };

        SvmProbeResult honest = Run(Train, Test, options), shuffled = Run(Train, wrong, options);

        Assert.Equal(honest.C, shuffled.C);
        Assert.Equal(honest.Decisions, shuffled.Decisions);
        Assert.NotEqual(honest.Top1, shuffled.Top1);
    }

    [Fact]
    public void Run_OneC_RefitsOnEveryTrainingWindow()
    {
        SvmProbeResult result = Run(Train, Test, new SvmProbeOptions { Cs = [0.1] });

        LinearSvmModel direct = LinearSvm.Fit(Train.Vectors, Train.Dim, Train.RowLabels(), 8, new LinearSvmOptions { C = 0.1 }, TestContext.Current.CancellationToken);
        Assert.Equal(direct.Coefficients, result.Model.Coefficients);
        Assert.Empty(result.HeldOut);
        Assert.Equal("C 0.1 was given", result.Selection);
    }

    [Fact]
    public void Run_PerClassTable_AgreesWithConfusionAndTop1()
    {
        SvmProbeResult result = Run(Train, Test);

        Assert.Equal(40, result.Confusion.ToRows().Sum(r => r.Sum()));
        Assert.Equal(result.Top1, result.PerClass.Values.Average(), 1e-9); // the classes are equally large
    }

    [Fact]
    public void Run_Standardise_IsBlindToUnitsOfFeatures()
    {
        FeatureSet Rescale(FeatureSet set) => set with { Vectors = [.. set.Vectors.Select((v, i) => i % set.Dim == 0 ? v * 1024 : v)] };
        SvmProbeOptions options = new() { Cs = [0.1], Scaling = FeatureScaling.Standardise };

        SvmProbeResult plain = Run(Train, Test, options), scaled = Run(Rescale(Train), Rescale(Test), options);

        Assert.All(plain.Decisions.Zip(scaled.Decisions), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
        Assert.NotEqual(
            Run(Train, Test, new SvmProbeOptions { Cs = [0.1] }).Top1,
            Run(Rescale(Train), Rescale(Test), new SvmProbeOptions { Cs = [0.1], Svm = new LinearSvmOptions { MaxIterations = 50 } }).Top1);
    }

    [Fact]
    public void Run_UnitLength_IsBlindToLengthOfVectors()
    {
        FeatureSet longer = Test with { Vectors = [.. Test.Vectors.Select(v => v * 8)] };
        SvmProbeOptions options = new() { Cs = [1], Scaling = FeatureScaling.UnitLength };

        Assert.Equal(Run(Train, Test, options).Top1, Run(Train, longer, options).Top1);
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
        EvaluationResult result = new EvaluationResult
        {
            Dataset = "esc50", Protocol = "svm", Fold = 2, Modality = "audio", Branch = "teacher", Seed = 7, WeightsSha256 = "ab",
        }.With(Run(Train, Test, new SvmProbeOptions { Cs = [0.1] }));

        using JsonDocument json = JsonDocument.Parse(result.ToJson());
        string[] contract = ["dataset", "protocol", "fold", "modality", "branch", "seed", "metric", "value", "per_class", "c", "weights_sha256"];
        Assert.All(contract, name => Assert.True(json.RootElement.TryGetProperty(name, out _), name));
        Assert.Equal(1, json.RootElement.GetProperty("schema").GetInt32());
        Assert.Equal(8, json.RootElement.GetProperty("per_class").EnumerateObject().Count());
        Assert.Equal(result.ToJson(), EvaluationResult.FromJson(result.ToJson()).ToJson());
    }

    private static SvmProbeResult Run(FeatureSet train, FeatureSet test, SvmProbeOptions? options = null) =>
        SvmProbe.Run(train, test, options, TestContext.Current.CancellationToken);
}
