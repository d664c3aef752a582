// XKD as a library: from folders of media to a classifier for ONNX runtimes. A second run goes on where the first ended.
using Xkd.Ingest;
using Xkd.Model.Evaluation;
using Xkd.Model.Method;
using Xkd.Model.Onnx;
using Xkd.Model.Training;
using Xkd.Model.Weights;
using Xkd.Storage;

if (args is not [var media, var output, .. var files])
{
    Console.Error.WriteLine("usage: xkd-sample MEDIA OUT [FILE ...]   MEDIA has a folder of clips for each class; FILEs are labelled, without any MEDIA's");
    return 2;
}

// 1. Decode the media once, into a cache of frames (8 a second, short side 32 pixels) and log-mel spectrograms.
IngestOptions ingest = new() { Root = media, Out = Path.Combine(output, "cache"), ShortSide = 32 };
await new IngestJob(ingest).RunAsync();
var cache = Cache.Open(ingest.Out);
Console.WriteLine($"{cache.Clips.Count} clips");

// 2. Pre-train both encoders on it, without labels.
TrainerOptions training = new() { Config = TinyConfig(), Data = [cache.Path], Out = Path.Combine(output, "run"), Resume = ResumeMode.Auto };
await new Trainer(training, Console.WriteLine).RunAsync();

// 3. Write the features of every clip: a row a clip with id, label and vector.
var device = Devices.Parse("auto");
using (var encoder = EvaluationEncoder.Open(training.Out, WeightModality.Video, WeightBranch.Teacher, device))
{
    await FeatureFiles.WriteAsync([encoder], cache, Path.Combine(output, "features.parquet"));
}

// 4. Train a linear classifier on the frozen encoder, test it on a fifth of each class's recordings, and keep it.
EvaluationRequest request = new()
{
    Protocol = "linear",
    Config = new ClassifierConfig { Head = new HeadSection { BatchNorm = true }, Optim = new ClassifierOptimSection { Epochs = 20, Lr = 0.01 } },
    Weights = [training.Out], Train = cache, Test = cache, Device = device,
    Classifier = Path.Combine(output, "classifier"),
};
var result = (await new EvaluationRun(request, Console.WriteLine).RunAsync())[0];
Console.WriteLine($"{result.Metric} {result.Value:f1} %");

// 5. Label files: decode them as the classifier's own clips were, and score them.
using var classifier = KeptClassifier.Open(request.Classifier, device);
using ScratchFolder scratch = new(Path.Combine(output, "scratch"));
var clips = ClipPaths.List(files.Length > 0 ? files : [media]).Items;
IngestOptions unlabelled = new() { Root = media, Items = clips, Out = Path.Combine(scratch.Path, "cache"), Modalities = Modalities.Video };
await new IngestJob(unlabelled.PreparedAs(classifier.Description.Media)).RunAsync();
await using var predictions = await PredictionFileWriter.CreateAsync(Path.Combine(output, "predictions.parquet"), classifier.Description.Classes);
await foreach (var prediction in ClipPredictor.PredictAsync(classifier, Cache.Open(unlabelled.Out)))
{
    Console.WriteLine($"{prediction.Id}: {prediction.Predicted(classifier.Description.Classes, classifier.Threshold)} {prediction.Scores.Max():f3}");
    foreach (var row in prediction.Rows(classifier.Description.Classes, classifier.Threshold))
    {
        await predictions.AppendAsync(row);
    }
}

await predictions.CommitAsync();

// 6. Write encoder and classifier as one network, which needs nothing of this project.
OnnxExporter.Write(Path.Combine(output, "classifier.onnx"), classifier);
return 0;

// Networks and views that train in seconds. What is left out is the paper's recipe, which wants far more clips and a GPU.
static PretrainConfig TinyConfig() => new()
{
    Batch = 4,
    Data = new DataSection { GlobalFrames = 8, GlobalSize = 32, LocalFrames = 4, LocalSize = 16, GlobalMelFrames = 112, LocalMelFrames = 32 },
    Model = new ModelSection
    {
        VideoPatch = [2, 8, 8], AudioPatch = [8, 16], Encoder = Blocks(32, 2), Decoder = Blocks(16, 1),
        Projector = new ProjectorSection { Hidden = 32, Bottleneck = 16, Out = 32 },
    },
    Optim = new OptimSection { Epochs = 2, WarmupEpochs = 1, Lr = 1e-3 },
};

static TransformerSection Blocks(int dim, int depth) => new() { Dim = dim, Depth = depth, Heads = 2 };
