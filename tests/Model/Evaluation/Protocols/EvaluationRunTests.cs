using Xkd.Model.Evaluation;
using Xkd.Model.Method;
using Xkd.Model.Weights;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Evaluation;

[Collection(nameof(EvaluationWorld))]
public sealed class EvaluationRunTests(EvaluationWorld world)
{
    public static TheoryData<string, string, string> Rows()
    {
        TheoryData<string, string, string> rows = [];
        foreach (var protocol in new[] { "svm", "linear", "finetune" })
        {
            rows.Add(protocol, "ucf101", "video");
            rows.Add(protocol, "hmdb51", "video");
            rows.Add(protocol, "kinetics400", "video");
            rows.Add(protocol, "esc50", "audio");
            rows.Add(protocol, "fsd50k", "audio");
            rows.Add(protocol, "kinetics-sound", "audio");
            rows.Add(protocol, "kinetics-sound", "video");
            rows.Add(protocol, "kinetics-sound", "av");
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task RunAsync_EveryRowOfTheTables_GivesTheSameNumbersTwice(string protocol, string dataset, string modality)
    {
        var request = world.Request(protocol, dataset, $"modality={modality}");
        EvaluationResult first = Assert.Single(await RunAsync(request)), second = Assert.Single(await RunAsync(request));
        Assert.Equal((dataset, protocol, modality, dataset == "fsd50k" ? "map" : "top1"), (first.Dataset, first.Protocol, first.Modality, first.Metric));
        Assert.InRange(first.Value, 0, 100);
        Assert.NotEmpty(first.PerClass);
        Assert.Equal(64, first.WeightsSha256.Length);
        Assert.Equal(first.ToJson(), second.ToJson());
    }

    [Fact]
    public async Task RunAsync_ClassesThatDiffer_AreLearned()
    {
        var svm = Assert.Single(await RunAsync(world.Request("svm", "kinetics-sound", "modality=av", "max_train_clips=0", "max_test_clips=0")));
        var tuned = Assert.Single(await RunAsync(world.Request(
            "finetune", "kinetics-sound", "modality=audio", "max_train_clips=0", "max_test_clips=0", "optim.epochs=25", "optim.lr=0.01", "optim.layer_decay=1", "head.dropout=0", "train.augment=false",
            "train.rand_operations=0", "train.erasing=0", "evaluate_every=0")));
        Assert.True(svm.Value > 60, $"chance is 33 %, the SVM got {svm.Value}");
        Assert.True(tuned.Value > 60, $"chance is 33 %, fine-tuning got {tuned.Value}");
    }

    [Theory]
    [InlineData(XkdVariant.Mas, "video")]
    [InlineData(XkdVariant.Mas, "audio")]
    [InlineData(XkdVariant.Mats, "video")]
    [InlineData(XkdVariant.Mats, "audio")]
    public async Task RunAsync_SharedBackbone_IsEvaluatedOnBothModalities(XkdVariant variant, string modality)
    {
        foreach (var branch in Enum.GetValues<WeightBranch>())
        {
            var request = world.Request("svm", "kinetics-sound", world.Run(variant), [$"modality={modality}"]) with { Branch = branch };
            Assert.InRange(Assert.Single(await RunAsync(request)).Value, 0, 100);
        }
    }

    [Fact]
    public async Task RunAsync_AllFolds_TrainsEachFromTheSameWeights()
    {
        var all = await RunAsync(world.Request("finetune", "ucf101") with { AllFolds = true });
        var third = Assert.Single(await RunAsync(world.Request("finetune", "ucf101") with { Fold = 3 }));
        Assert.Equal([1, 2, 3], all.Select(r => r.Fold!.Value));
        Assert.Equal(third.ToJson(), all[2].ToJson());
    }

    [Fact]
    public async Task RunAsync_ReleasedBehaviour_IsSaidOfTheResult()
    {
        var result = Assert.Single(await RunAsync(world.Request("svm", "ucf101", "selection=test", "test.crops=released_three")));
        Assert.Contains("optimistic", result.Selection, StringComparison.Ordinal);
        Assert.Contains(result.Notes!, n => n.StartsWith("released: the three crops", StringComparison.Ordinal));
        Assert.Contains(result.Notes!, n => n.StartsWith("released: C was chosen", StringComparison.Ordinal));
    }

    [Fact]
    public async Task RunAsync_LargerFrames_InterpolatePositionsAndNeedALargeEnoughCache()
    {
        Assert.InRange(Assert.Single(await RunAsync(world.Request("finetune", "kinetics400", "frame_size=32"))).Value, 0, 100);
        var error = await Assert.ThrowsAsync<UsageException>(() => RunAsync(world.Request("finetune", "kinetics400", "frame_size=224")));
        Assert.Contains("--short-side 224", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_FromFirstToLastBatch_IsOneThreadOfItsOwn()
    {
        // Each line and each report of progress comes from where libtorch works.
        HashSet<int> threads = [];
        var pooled = false;
        void Here()
        {
            threads.Add(Environment.CurrentManagedThreadId);
            pooled |= Thread.CurrentThread.IsThreadPoolThread;
        }

        await new EvaluationRun(world.Request("linear", "kinetics-sound", "modality=video", "optim.epochs=6", "evaluate_every=1", "batch=2"), _ => Here()).RunAsync(TestContext.Current.CancellationToken);
        Assert.False(pooled);
        Assert.Single(threads);

        threads.Clear();
        using var encoder = EvaluationEncoder.Open(world.Run(XkdVariant.Xkd), WeightModality.Video, WeightBranch.Teacher, new EncoderSection(), CPU);
        await FeatureFiles.WriteAsync([encoder], Cache.Open(world.Splits), world.Out("threads.parquet"), new FeatureFileOptions { Batch = 1 }, _ => Here(), TestContext.Current.CancellationToken);
        Assert.False(pooled);
        Assert.Single(threads);
    }

    [Fact]
    public async Task RunAsync_FoldsWhereThereAreNone_AreRefused()
    {
        var error = await Assert.ThrowsAsync<UsageException>(() => RunAsync(world.Request("svm", "kinetics400") with { Fold = 1 }));
        Assert.Contains("no folds", error.Message, StringComparison.Ordinal);
    }

    private static Task<IReadOnlyList<EvaluationResult>> RunAsync(EvaluationRequest request) => new EvaluationRun(request, _ => { }).RunAsync(TestContext.Current.CancellationToken);
}
