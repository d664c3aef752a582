using System.Text.Json;
using Microsoft.ML.OnnxRuntime;
using Xkd.Model.Evaluation;
using Xkd.Model.Onnx;
using Xkd.Model.Tests.Evaluation;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Tests.Onnx;

/// <summary>What ONNX Runtime makes of an exported classifier is what the classifier makes of the same windows.</summary>
[Collection(nameof(EvaluationWorld))]
public sealed class OnnxClassifierTests(EvaluationWorld world)
{
    // Scores are of size 1. Features differ by up to OnnxModel.Tolerance of the largest; the layer on top has 16 or 32 of them, with weights of some units.
    private const double Tolerance = 1e-4;

    [Theory]
    [InlineData("svm", "ucf101", "video", "logits")]
    [InlineData("svm", "kinetics-sound", "av", "logits", "scaling=unit_length")]
    [InlineData("svm", "fsd50k", "audio", "logits", "scaling=standardise", "c=[10]")]
    [InlineData("svm", "kinetics-sound", "av", "logits", "scaling=none")]
    [InlineData("linear", "ucf101", "video", "softmax", "head.batch_norm=true", "head.unit_length=false")]
    [InlineData("linear", "kinetics-sound", "av", "softmax", "head.batch_norm=true", "head.unit_length=true")]
    [InlineData("linear", "kinetics-sound", "av", "softmax", "head.batch_norm=false", "head.unit_length=true")]
    [InlineData("linear", "fsd50k", "audio", "sigmoid", "head.batch_norm=true")]
    [InlineData("linear", "ucf101", "video", "softmax", "frame_size=24")]
    [InlineData("finetune", "kinetics-sound", "video", "softmax", "head.batch_norm=false")]
    [InlineData("finetune", "kinetics-sound", "av", "softmax", "head.batch_norm=true", "frame_size=24")]
    [InlineData("finetune", "fsd50k", "audio", "logits")]
    public async Task Write_KeptClassifier_ScoresWindowsAsItDoes(string protocol, string dataset, string modality, string scores, params string[] more)
    {
        var folder = world.Out($"onnx-{protocol}-{dataset}-{modality}-{string.Concat(more)}");
        var request = world.Request(protocol, dataset, [$"modality={modality}", "test.windows=1", "test.crops=centre", .. more]) with { Classifier = folder };
        await new EvaluationRun(request).RunAsync(TestContext.Current.CancellationToken);
        using var classifier = KeptClassifier.Open(folder, CPU);
        var file = Path.Combine(folder, "classifier.onnx");
        OnnxExporter.Write(file, classifier);

        List<ClipPrediction> expected = [];
        await foreach (var prediction in ClipPredictor.PredictAsync(classifier, request.Test, batch: 5, TestContext.Current.CancellationToken))
        {
            expected.Add(prediction);
        }

        double[][] got = [.. Scores(classifier, request.Test, file, scores)];
        Assert.Equal(request.Test.Clips.Select(c => c.Id), expected.Select(p => p.Id));
        Assert.Equal(expected.Count, got.Length);
        var largest = expected.Zip(got).Max(pair => pair.First.Scores.Zip(pair.Second, (a, b) => Math.Abs(a - b)).Max());
        TestContext.Current.TestOutputHelper?.WriteLine($"largest difference {largest:g3}");
        Assert.InRange(largest, 0, Tolerance);
        Assert.True(expected.SelectMany(p => p.Scores).Max() - expected.SelectMany(p => p.Scores).Min() > 100 * Tolerance, "scores that are all alike compare nothing");

        using InferenceSession session = new(file);
        using var said = JsonDocument.Parse(session.ModelMetadata.CustomMetadataMap["xkd.classifier"]);
        Assert.Equal((protocol, scores), (said.RootElement.GetProperty("Protocol").GetString(), said.RootElement.GetProperty("Scores").GetString()));
        Assert.Equal((1, "centre"), (said.RootElement.GetProperty("Windows").GetInt32(), said.RootElement.GetProperty("Crops").GetString()));
        Assert.Equal(classifier.Description.Classes, JsonSerializer.Deserialize<string[]>(session.ModelMetadata.CustomMetadataMap["xkd.classes"])!);
    }

    // Of the same windows as the classifier takes: one a clip.
    private static List<double[]> Scores(KeptClassifier classifier, Cache cache, string file, string scores)
    {
        List<double[]> all = [];
        EvaluationSet set = new() { Cache = cache, Clips = [.. Enumerable.Range(0, cache.Clips.Count)], Classes = [], LabelSets = [], Multi = true };
        EncoderFeatures.ForEachBatch(cache, EvaluationViews.Test(classifier.Config, classifier.Encoders, set), batch =>
        {
            using var scope = NewDisposeScope();
            (string, Tensor)[] inputs = [.. classifier.Encoders.Select(e => (e.Modality.ToString().ToLowerInvariant(), EncoderFeatures.Input(e, batch)))];
            var (shape, values) = OnnxModel.Run(file, inputs)["logits"];
            Assert.Equal([batch.Size, classifier.Description.Classes.Count], shape);
            var logits = tensor(values, shape).to(ScalarType.Float64);
            var made = scores switch { "softmax" => nn.functional.softmax(logits, 1), "sigmoid" => sigmoid(logits), _ => logits };
            all.AddRange(made.data<double>().ToArray().Chunk((int)shape[1]));
        }, TestContext.Current.CancellationToken);
        return all;
    }
}
