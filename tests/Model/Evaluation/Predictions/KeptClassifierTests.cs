using Xkd.Model.Evaluation;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Evaluation;

[Collection(nameof(EvaluationWorld))]
public sealed class KeptClassifierTests(EvaluationWorld world)
{
    [Theory]
    [InlineData("svm", "ucf101", "video")]
    [InlineData("svm", "kinetics-sound", "av")]
    [InlineData("svm", "fsd50k", "audio")]
    [InlineData("linear", "ucf101", "video")]
    [InlineData("linear", "kinetics-sound", "av")]
    [InlineData("linear", "fsd50k", "audio")]
    [InlineData("finetune", "kinetics-sound", "video")]
    [InlineData("finetune", "fsd50k", "audio")]
    public async Task Open_WhatAnEvaluationKept_ScoresItsTestClipsAsTheEvaluationDid(string protocol, string dataset, string modality)
    {
        var folder = world.Out($"kept-{protocol}-{dataset}-{modality}");
        string[] more = protocol == "svm" ? [] : ["head.batch_norm=true"];
        var request = world.Request(protocol, dataset, [$"modality={modality}", .. more]) with { Classifier = folder };
        var result = Assert.Single(await RunAsync(request));
        using var classifier = KeptClassifier.Open(folder, CPU);
        Assert.Equal(protocol, classifier.Description.Protocol);
        Assert.Equal(result.Classes!, classifier.Description.Classes);
        Assert.Equal(dataset == "fsd50k" ? protocol == "linear" ? 0.5 : 0 : null, classifier.Threshold);
        var made = await PredictAsync(classifier, request.Test);

        Assert.NotEmpty(result.Predictions);
        foreach (var expected in result.Predictions)
        {
            var again = made[expected.Id];
            Assert.Equal((expected.Label, expected.Start, expected.End), (again.Label, again.Start, again.End));

            // The same network on the same windows in batches of another composition: sums in float32 differ in their last bits, scores are of size 1.
            Assert.All(expected.Scores.Zip(again.Scores), s => Assert.Equal(s.First, s.Second, 1e-5));
        }
    }

    [Fact]
    public async Task PredictAsync_LeftEarlyCancelledOrOfAnotherCache_EndsTheWorkAndSaysWhy()
    {
        var folder = world.Out("kept-left");
        var request = world.Request("svm", "kinetics-sound", "modality=video", "frame_size=24") with { Classifier = folder };
        await RunAsync(request);
        using var classifier = KeptClassifier.Open(folder, CPU);
        await foreach (var prediction in ClipPredictor.PredictAsync(classifier, request.Test, batch: 1, TestContext.Current.CancellationToken))
        {
            Assert.Equal(request.Test.Clips[0].Id, prediction.Id);
            break;
        }

        using CancellationTokenSource stop = new();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var prediction in ClipPredictor.PredictAsync(classifier, request.Test, batch: 1, stop.Token))
            {
                await stop.CancelAsync();
            }
        });
        // Every file failed: there is nothing to label.
        var empty = world.Out("kept-empty");
        await using (var writer = await CacheWriter.OpenAsync(empty, request.Test.Manifest.Fingerprint, new CacheWriterOptions(), TimeProvider.System, CancellationToken.None))
        {
            await writer.SettleAsync(new LedgerEntry { Id = "a.mp4", Source = "a.mp4", State = ItemState.Failed, Stage = "decode", Reason = "damaged" }, CancellationToken.None);
            await writer.CommitAsync(CancellationToken.None);
        }

        Assert.Null(await ClipPredictor.PredictAsync(classifier, Cache.Open(empty), stop: TestContext.Current.CancellationToken).FirstOrDefaultAsync(TestContext.Current.CancellationToken));

        var small = Cache.Open(world.Out("cache")); // frames of 16 pixels
        var error = await Assert.ThrowsAsync<UsageException>(async () => Assert.NotNull(await ClipPredictor.PredictAsync(classifier, small, stop: TestContext.Current.CancellationToken).FirstAsync(TestContext.Current.CancellationToken)));
        Assert.Contains("--short-side 24", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EvaluationRun_ConfigurationOfCodeThatCannotBe_IsRefusedAsAFileIs()
    {
        var request = world.Request("svm", "kinetics-sound") with { Config = new SvmConfig { C = [], Batch = 0 } };
        var message = (await Assert.ThrowsAsync<UsageException>(() => RunAsync(request))).Message;
        Assert.Contains("c is []", message, StringComparison.Ordinal);
        Assert.Contains("batch is 0", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_BestEpochReported_KeepsThatEpochsClassifier()
    {
        var folder = world.Out("kept-best");
        var request = world.Request("finetune", "kinetics-sound", "modality=audio", "report=best", "evaluate_every=1", "optim.epochs=5", "optim.lr=0.01", "optim.layer_decay=1") with { Classifier = folder };
        var result = Assert.Single(await RunAsync(request));
        using var classifier = KeptClassifier.Open(folder, CPU);
        var made = await PredictAsync(classifier, request.Test);
        Assert.All(result.Predictions, p => Assert.All(p.Scores.Zip(made[p.Id].Scores), s => Assert.Equal(s.First, s.Second, 1e-5)));
    }

    [Fact]
    public async Task RunAsync_SegmentsOfARecording_AreOnePredictionAndCountOnce()
    {
        var folder = world.Out("kept-segments");
        var cache = Cache.Open(world.Segments);
        var request = world.Request("svm", "kinetics-sound", "modality=video", "split.test=") with { Train = cache, Test = cache, Classifier = folder };
        var result = Assert.Single(await RunAsync(request));
        var single = Assert.Single(await RunAsync(request with { Config = ((SvmConfig)request.Config) with { Test = request.Config.Test with { Sample = Pipeline.SampleUnit.PerClip } } }));
        Assert.Equal(3, result.Predictions.Count);
        Assert.Equal(6, single.Predictions.Count);
        Assert.Equal((3, 6), (result.Confusion!.Sum(r => r.Sum()), single.Confusion!.Sum(r => r.Sum())));
        var whole = result.Predictions[0];
        Assert.Equal(2, whole.Segments.Count);
        Assert.Equal((0, 5), (whole.Start, whole.End)); // two of 20 frames at 8 a second
        Assert.All(Enumerable.Range(0, 3), c => Assert.Equal(whole.Segments.Average(s => s.Scores[c]), whole.Scores[c], 1e-12));

        using var classifier = KeptClassifier.Open(folder, CPU);
        var made = await PredictAsync(classifier, cache);
        Assert.Equal(9, made.Count);
        Assert.All(made.Values, p => Assert.Equal(2, p.Segments.Count));
        string[] rows = [.. whole.Rows(["a", "b", "c"], null).Select(r => $"{r.Item} {r.Id}")];
        Assert.Equal([$"{whole.Id} {whole.Id}", $"{whole.Id} {whole.Id}#0", $"{whole.Id} {whole.Id}#1"], rows);
    }

    [Fact]
    public async Task RunAsync_AllFolds_ComputesFeaturesOnceAndScoresAsEachFoldAlone()
    {
        HashSet<long> totals = [];
        long last = 0;
        var request = world.Request("svm", "ucf101", "max_train_clips=0", "max_test_clips=0", "max_classes=0") with { Classifier = world.Out("kept-folds"), Progress = (done, all) => (last, _) = (done, totals.Add(all)) };
        var all = await RunAsync(request with { AllFolds = true });

        // 18 clips, two windows of each in training, and two in three crops in testing: once, not once a fold.
        Assert.Equal((18 * 2) + (18 * 2 * 3), Assert.Single(totals));
        Assert.Equal(totals.Single(), last);
        for (var fold = 1; fold <= 3; fold++)
        {
            var alone = Assert.Single(await RunAsync(request with { Fold = fold, Classifier = null }));
            Assert.Equal(alone.ToJson(), all[fold - 1].ToJson());
            Assert.All(
                alone.Predictions.SelectMany(p => p.Scores).Zip(all[fold - 1].Predictions.SelectMany(p => p.Scores)), s => Assert.Equal(s.First, s.Second, 1e-5)); // other batches, as above
        }

        Assert.Equal(1, KeptClassifier.Describe(world.Out("kept-folds")).Description.Fold);
    }

    [Fact]
    public async Task Open_DamagedOrAbsent_NamesTheFile()
    {
        var folder = world.Out("kept-damaged");
        await RunAsync(world.Request("linear", "kinetics-sound", "modality=audio") with { Classifier = folder });
        Assert.Contains("holds no classifier", Assert.Throws<UsageException>(() => KeptClassifier.Open(world.Out("kept-nowhere"), CPU)).Message, StringComparison.Ordinal);
        foreach (var file in Directory.GetFiles(folder))
        {
            var whole = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
            byte[] damaged = [.. whole];
            damaged[^9] ^= 1;
            await File.WriteAllBytesAsync(file, damaged, TestContext.Current.CancellationToken);
            Assert.Contains(Path.GetFileName(file), Assert.ThrowsAny<XkdException>(() => KeptClassifier.Open(folder, CPU)).Message, StringComparison.Ordinal);
            File.Delete(file);
            Assert.ThrowsAny<XkdException>(() => KeptClassifier.Open(folder, CPU));
            await File.WriteAllBytesAsync(file, whole, TestContext.Current.CancellationToken);
        }

        KeptClassifier.Open(folder, CPU).Dispose();
    }

    [Theory]
    [InlineData("\"schema\": 1", "\"schema\": 7", "schema 7")]
    [InlineData("\"class a\",", "", "2 classes")]
    [InlineData("\"modality\": \"audio\"", "\"modality\": \"../audio\"", "names an encoder of ../audio")]
    [InlineData("\"max_clip\"", "\"most_clip\"", "classifier.json")]
    [InlineData("\"protocol\": \"linear\"", "\"protocol\": \"magic\"", "describes no classifier")]
    [InlineData("\"encoders\": [", "\"encoders\": [ null,", "classifier.json")]
    public async Task Open_DescriptionThatMakesNoSense_IsRefused(string said, string instead, string why)
    {
        var folder = world.Out("kept-senseless");
        if (!Directory.Exists(folder))
        {
            await RunAsync(world.Request("linear", "kinetics-sound", "modality=audio", "max_classes=0") with { Classifier = folder });
        }

        var file = Path.Combine(folder, "classifier.json");
        var whole = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        Assert.Contains(said, whole, StringComparison.Ordinal);
        await File.WriteAllTextAsync(file, whole.Replace(said, instead, StringComparison.Ordinal), TestContext.Current.CancellationToken);
        Assert.Contains(why, Assert.ThrowsAny<XkdException>(() => KeptClassifier.Open(folder, CPU)).Message, StringComparison.Ordinal);
        await File.WriteAllTextAsync(file, whole, TestContext.Current.CancellationToken);
    }

    private static async Task<Dictionary<string, ClipPrediction>> PredictAsync(KeptClassifier classifier, Cache cache)
    {
        Dictionary<string, ClipPrediction> made = new(StringComparer.Ordinal);
        await foreach (var prediction in ClipPredictor.PredictAsync(classifier, cache, batch: 5, TestContext.Current.CancellationToken))
        {
            made.Add(prediction.Id, prediction);
        }

        return made;
    }

    private static Task<IReadOnlyList<EvaluationResult>> RunAsync(EvaluationRequest request) => new EvaluationRun(request, _ => { }).RunAsync(TestContext.Current.CancellationToken);
}
