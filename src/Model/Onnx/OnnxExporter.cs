using System.Text.Json;
using Xkd.Model.Evaluation;
using Xkd.Model.Weights;
using Xkd.Pipeline;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Onnx;

/// <summary>
/// Writes encoders as one ONNX file (opset <see cref="Opset"/>), with a classifier on top where there is one. Inputs, float32, N is any batch size:
/// <c>video</c> [N, 3, frames, height, width], <c>audio</c> [N, 1, mels, frames], normalised as in training. Outputs: <c>features</c> [N, D], the means
/// over patch tokens, and with a head <c>logits</c> [N, classes].
/// </summary>
public static class OnnxExporter
{
    /// <summary>Version of the default operator set that files ask for: the first with LayerNormalization.</summary>
    public const int Opset = 17;

    // The file format that came with that operator set, in ONNX 1.12.
    private const int IrVersion = 8;

    // The least length that torch.nn.functional.normalize divides by.
    private const float LeastLength = 1e-12f;

    /// <summary>Writes <paramref name="path"/> atomically.</summary>
    /// <param name="path">Where to.</param>
    /// <param name="encoders">One, or one of each modality: their features are joined in this order.</param>
    /// <param name="head">The classifier; null writes features only.</param>
    /// <param name="frameSize">Height and width of frames in pixels; positions are resampled to it. Null: the encoder's own size.</param>
    /// <exception cref="UsageException">Encoders, head and frame size do not fit each other, or the file would reach 2 GiB.</exception>
    /// <exception cref="FailureException">The file cannot be written.</exception>
    public static void Write(string path, IReadOnlyList<EvaluationEncoder> encoders, OnnxHead? head = null, int? frameSize = null) =>
        Write(path, encoders, head, frameSize, []);

    /// <summary>
    /// Writes a trained classifier with its encoders atomically: <c>logits</c> [N, classes] are those of one window of a clip, of frames in the size that it was
    /// trained on. The metadata <c>xkd.classifier</c> says how they become scores, and how the windows of a clip are combined.
    /// </summary>
    /// <param name="path">Where to.</param>
    /// <param name="classifier">Of <see cref="KeptClassifier.Open"/>.</param>
    /// <exception cref="UsageException">The file would reach 2 GiB.</exception>
    /// <exception cref="FailureException">The file cannot be written.</exception>
    public static void Write(string path, KeptClassifier classifier)
    {
        ArgumentNullException.ThrowIfNull(classifier);
        var seen = classifier.Encoders.Any(encoder => encoder.Modality == WeightModality.Video);
        Write(path, classifier.Encoders, OnnxHead.Of(classifier), seen ? classifier.Config.FrameSize : null, [("xkd.classifier", Scores(classifier))]);
    }

    private static void Write(
        string path, IReadOnlyList<EvaluationEncoder> encoders, OnnxHead? head, int? frameSize, IReadOnlyList<(string Key, string Value)> more)
    {
        Check(encoders, frameSize);
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        OnnxGraph graph = new();
        string[] parts = [.. encoders.Select(encoder => EncoderGraph.Add(graph, encoder, frameSize))];
        var width = encoders.Sum(encoder => encoder.Width);
        var features = Join(graph, parts);
        graph.Output("features", features, width);
        if (head is not null)
        {
            Add(graph, head.Checked(width), parts, features);
        }

        try
        {
            AtomicFile.Write(path, stream => graph.Write(stream, Model([.. Metadata(encoders, head, frameSize), .. more])));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new FailureException($"{path} cannot be written: {e.Message}", e);
        }
    }

    private static void Check(IReadOnlyList<EvaluationEncoder> encoders, int? frameSize)
    {
        if (encoders.Count == 0)
        {
            throw new UsageException("an ONNX file needs an encoder; give one of video, one of audio, or both");
        }

        if (encoders.CountBy(encoder => encoder.Modality).FirstOrDefault(group => group.Value > 1) is { Value: > 1 } twice)
        {
            throw new UsageException(
                $"{twice.Value} encoders of {EncoderGraph.Name(twice.Key)} cannot be in one ONNX file: their inputs would have one name; write a file each");
        }

        if (frameSize is int size && (size < 1 || encoders.All(encoder => encoder.Modality != WeightModality.Video)))
        {
            throw new UsageException(size < 1 ? $"frames of {size} pixels do not exist; the frame size must be at least 1"
                : $"a frame size of {size} means nothing for an encoder of audio; leave it out");
        }
    }

    private static string Join(OnnxGraph graph, string[] parts) => parts.Length == 1 ? parts[0] : graph.Node("Concat", parts, OnnxGraph.Attribute("axis", 1));

    private static void Add(OnnxGraph graph, OnnxHead head, string[] parts, string features)
    {
        var x = head.UnitLength switch
        {
            OnnxUnitLength.Each => Join(graph, [.. parts.Select(part => UnitLength(graph, part))]),
            OnnxUnitLength.Joined => UnitLength(graph, features),
            _ => features,
        };
        var classes = head.Classes.Count;
        var weight = graph.Constant("head.weight", head.Weight.AsMemory(), classes, head.Weight.Length / classes);
        var bias = graph.Constant("head.bias", head.Bias.AsMemory(), classes);
        graph.Output("logits", graph.Node("Gemm", [x, weight, bias], OnnxGraph.Attribute("transB", 1)), classes);
    }

    private static string UnitLength(OnnxGraph graph, string x)
    {
        var length = graph.Node("ReduceL2", [x], OnnxGraph.Attribute("axes", [1]), OnnxGraph.Attribute("keepdims", 1)); // [N, 1]
        return graph.Node("Div", [x, graph.Node("Max", [length, graph.Number(LeastLength)])]);
    }

    private static ProtoMessage Model(IReadOnlyList<(string Key, string Value)> metadata)
    {
        var model = new ProtoMessage().Integer(OnnxFields.Model.IrVersion, IrVersion).Text(OnnxFields.Model.ProducerName, "xkd")
            .Text(OnnxFields.Model.ProducerVersion, typeof(OnnxExporter).Assembly.GetName().Version!.ToString(3))
            .Message(OnnxFields.Model.OpsetImport, new ProtoMessage().Text(OnnxFields.Opset.Domain, string.Empty).Integer(OnnxFields.Opset.Version, Opset));
        foreach (var (key, value) in metadata)
        {
            model.Message(OnnxFields.Model.Metadata, new ProtoMessage().Text(OnnxFields.Entry.Key, key).Text(OnnxFields.Entry.Value, value));
        }

        return model;
    }

    // What a program must know to make a clip's scores of its windows' logits, as KeptClassifier does.
    private static string Scores(KeptClassifier classifier)
    {
        var (config, protocol) = (classifier.Config, classifier.Description.Protocol);
        return JsonSerializer.Serialize(new
        {
            Protocol = protocol,
            Scores = protocol == "svm" ? "logits" : config.Labels == LabelKind.Single ? "softmax" : protocol == "linear" ? "sigmoid" : "logits",
            classifier.Threshold,
            config.Test.Windows,
            Crops = Name(config.Test.Crops),
            Ensemble = protocol == "svm" ? "mean" : Name(config.Test.Ensemble),
        });

        static string Name(Enum value) => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());
    }

    // What a program must know to make the inputs; every value is JSON.
    private static IEnumerable<(string Key, string Value)> Metadata(IReadOnlyList<EvaluationEncoder> encoders, OnnxHead? head, int? frameSize)
    {
        foreach (var encoder in encoders)
        {
            var name = EncoderGraph.Name(encoder.Modality);
            yield return ($"xkd.{name}", JsonSerializer.Serialize(encoder.Description with { Size = frameSize ?? encoder.Description.Size }));
            var weights = new { Branch = encoder.Branch.ToString().ToLowerInvariant(), Sha256 = encoder.WeightsSha256 };
            yield return ($"xkd.{name}.weights", JsonSerializer.Serialize(weights));
            if (encoder.Modality == WeightModality.Video)
            {
                yield return ("xkd.frame_mean", JsonSerializer.Serialize(FrameStatistics.Mean));
                yield return ("xkd.frame_std", JsonSerializer.Serialize(FrameStatistics.Std));
            }
        }

        if (head is not null)
        {
            yield return ("xkd.classes", JsonSerializer.Serialize(head.Classes));
        }
    }
}
