using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Xkd.Model.Method;
using Xkd.Model.Weights;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>What a kept classifier says of itself: <c>classifier.json</c>.</summary>
public sealed record ClassifierDescription
{
    public int Schema { get; init; } = 1;

    /// <summary><c>svm</c>, <c>linear</c> or <c>finetune</c>.</summary>
    public required string Protocol { get; init; }

    /// <summary>The data set it was trained on.</summary>
    public required string Dataset { get; init; }

    /// <summary>The fold whose training clips it was trained on; null where there are none.</summary>
    public int? Fold { get; init; }

    /// <summary>Names by score.</summary>
    public required IReadOnlyList<string> Classes { get; init; }

    /// <summary>In the order in which their features are joined.</summary>
    public required IReadOnlyList<KeptEncoder> Encoders { get; init; }

    /// <summary>How the clips it was tested on were prepared; others have to be prepared alike.</summary>
    public required Fingerprint Media { get; init; }

    /// <summary>Longer sources were cut into segments of this many seconds.</summary>
    public required double MaxClip { get; init; }

    /// <summary><c>top1</c> or <c>map</c>, percent, of its test clips.</summary>
    public required string Metric { get; init; }

    public required double Value { get; init; }

    /// <summary>SHA-256 of each other file of the folder.</summary>
    public required IReadOnlyDictionary<string, string> Files { get; init; }
}

/// <summary>One encoder of a classifier.</summary>
/// <param name="Modality"><c>video</c> or <c>audio</c>; it lies in <c>encoder-MODALITY.safetensors</c>.</param>
/// <param name="Branch"><c>teacher</c> or <c>student</c>.</param>
/// <param name="WeightsSha256">Of the weights it was pre-trained to.</param>
public sealed record KeptEncoder(string Modality, string Branch, string WeightsSha256);

/// <summary>
/// A trained classifier in a folder of its own, with all that scoring a clip needs: <c>classifier.json</c>, the evaluation's <c>config.yaml</c>,
/// <c>head.safetensors</c> and an <c>encoder-MODALITY.safetensors</c> for each encoder.
/// </summary>
public sealed class KeptClassifier : IDisposable
{
    /// <summary>The folder's name below what an evaluation writes to.</summary>
    public const string FolderName = "classifier";

    internal const string HeadFile = "head.safetensors";

    private const string DescriptionFile = "classifier.json", ConfigName = "config.yaml";
    private const int MostBytes = 1 << 26;
    private readonly IReadOnlyList<EvaluationEncoder> _encoders;
    private readonly ClipClassifier? _network;

    private KeptClassifier(ClassifierDescription description, EvaluationConfig config, IReadOnlyList<EvaluationEncoder> encoders, HeadWeights head)
    {
        (Description, Config, _encoders, Head) = (description, config, encoders, head);
        if (config is SvmConfig svm)
        {
            Scorer = ClipScorer.Of(encoders, head.ToSvm(), svm.Scaling == FeatureScaling.UnitLength);
            return;
        }

        _network = new ClipClassifier(encoders, description.Classes.Count, ((ClassifierConfig)config).Head, frozen: true);
        head.Fill(_network);
        _network.Train(false);
        Scorer = ClipScorer.Of(_network, config, description.Protocol);
    }

    /// <summary>Its classes, encoders, and how clips must be prepared for it.</summary>
    public ClassifierDescription Description { get; }

    /// <summary>The evaluation's: which views are taken of a clip, and how their scores are combined.</summary>
    public EvaluationConfig Config { get; }

    /// <summary>In the order in which their features are joined: audio first.</summary>
    public IReadOnlyList<EvaluationEncoder> Encoders => _encoders;

    /// <inheritdoc cref="EvaluationResult.Threshold"/>
    public double? Threshold => EvaluationResult.ThresholdOf(Description.Metric, Description.Protocol);

    internal HeadWeights Head { get; }

    internal ClipScorer Scorer { get; }

    /// <summary>Reads a classifier.</summary>
    /// <param name="path">Its folder, or the one that an evaluation wrote it to.</param>
    /// <param name="device">Where the encoders run.</param>
    /// <exception cref="UsageException">There is none.</exception>
    /// <exception cref="FailureException">A file of it is absent, damaged or another's.</exception>
    public static KeptClassifier Open(string path, Device device)
    {
        var (folder, description) = Describe(path);
        List<EvaluationEncoder> encoders = [];
        try
        {
            EvaluationConfig config = description.Protocol == "svm"
                ? SvmConfig.Load(Whole(folder, ConfigName, description))
                : ClassifierConfig.Load(Whole(folder, ConfigName, description));
            foreach (var encoder in description.Encoders)
            {
                var modality = encoder.Modality == "audio" ? WeightModality.Audio : WeightModality.Video;
                var branch = encoder.Branch == "student" ? WeightBranch.Student : WeightBranch.Teacher;
                var file = Path.Combine(folder, EncoderFile(encoder.Modality));
                encoders.Add(EvaluationEncoder.Open(file, modality, branch, config.Encoder, device));
                Require(file, encoders[^1].WeightsSha256, description);
            }

            var dim = encoders.Sum(e => e.Width);
            var head = HeadWeights.Read(Whole(folder, HeadFile, description), description.Classes.Count, dim);
            return new KeptClassifier(description, config, encoders, head);
        }
        catch
        {
            encoders.ForEach(e => e.Dispose());
            throw;
        }
    }

    /// <summary>Writes the weights: the head's, and the encoders' as they are now.</summary>
    internal static void WriteWeights(string folder, IReadOnlyList<EvaluationEncoder> encoders, HeadWeights head)
    {
        Directory.CreateDirectory(folder);
        foreach (var name in new[] { DescriptionFile, EncoderFile("audio"), EncoderFile("video") })
        {
            File.Delete(Path.Combine(folder, name)); // an earlier classifier's: until the description is there again, there is none
        }

        WeightExporter.Write(Path.Combine(folder, HeadFile), head.Tensors);
        foreach (var encoder in encoders)
        {
            WeightTensor[] tensors = [.. StateNames.StateDict(encoder.Network).Select(e => TensorBytes.Borrow(e.Name, e.Value))];
            WeightExporter.Write(Path.Combine(folder, EncoderFile(Name(encoder.Modality))), tensors, EncoderDescription.ToMetadata(encoder.Description));
        }
    }

    /// <summary>Completes a folder whose weights are written.</summary>
    internal static void Complete(string folder, EvaluationConfig config, IReadOnlyList<EvaluationEncoder> encoders, Cache test, EvaluationResult result)
    {
        AtomicFile.Write(Path.Combine(folder, ConfigName), stream => stream.Write(Encoding.UTF8.GetBytes(ConfigBinder.ToYaml(config))));
        string[] files = [ConfigName, HeadFile, .. encoders.Select(e => EncoderFile(Name(e.Modality)))];
        ClassifierDescription description = new()
        {
            Protocol = result.Protocol,
            Dataset = result.Dataset,
            Fold = result.Fold,
            Classes = result.Classes!,
            Encoders = [.. encoders.Select(e => new KeptEncoder(Name(e.Modality), e.Branch == WeightBranch.Teacher ? "teacher" : "student", e.WeightsSha256))],
            Media = test.Manifest.Fingerprint,
            MaxClip = Math.Max(1, test.Manifest.Origins.Count > 0 ? test.Manifest.Origins.Max(o => o.MaxClip) : test.Clips.Max(c => c.Duration)),
            Metric = result.Metric,
            Value = result.Value,
            Files = files.ToDictionary(f => f, f => Hash(Path.Combine(folder, f)), StringComparer.Ordinal),
        };
        AtomicFile.Write(Path.Combine(folder, DescriptionFile), stream => JsonSerializer.Serialize(stream, description, EvaluationResult.Json));
    }

    /// <summary>A classifier's folder: <paramref name="path"/> itself, or <see cref="FolderName"/> in it; null where neither holds a classifier.</summary>
    public static string? Find(string path) => new[] { path, Path.Combine(path, FolderName) }.FirstOrDefault(p => File.Exists(Path.Combine(p, DescriptionFile)));

    /// <summary>Finds a classifier's folder and what it says of itself.</summary>
    /// <exception cref="UsageException">There is none.</exception>
    /// <exception cref="FailureException">It makes no sense.</exception>
    public static (string Folder, ClassifierDescription Description) Describe(string path)
    {
        var folder = Find(path)
            ?? throw new UsageException($"{path} holds no classifier ({DescriptionFile}); name the --out of xkd eval svm, linear or finetune");
        var file = Path.Combine(folder, DescriptionFile);
        try
        {
            using var stream = File.OpenRead(file);
            var said = stream.Length > MostBytes ? null : JsonSerializer.Deserialize<ClassifierDescription>(stream, EvaluationResult.Json);
            if (said is { Schema: 1, Protocol: "svm" or "linear" or "finetune", Media: not null, Files: not null, MaxClip: >= 1 }
                && said is { Classes.Count: > 0, Encoders.Count: 1 or 2 } && said.Classes.All(c => c is not null) && said.Encoders.All(e => e is { Modality: not null, Branch: not null }))
            {
                return (folder, said);
            }

            throw new FailureException(said is null or { Schema: 1 }
                ? $"{file} describes no classifier; evaluate again"
                : $"{file} has schema {said.Schema}, and this version reads 1; use the version that wrote it, or evaluate again");
        }
        catch (JsonException e)
        {
            throw new FailureException($"{file} is damaged: {e.Message} Evaluate again", e);
        }
    }

    public void Dispose()
    {
        _network?.Dispose();
        foreach (var encoder in _encoders)
        {
            encoder.Dispose();
        }
    }

    /// <summary>The file's name within the folder.</summary>
    /// <param name="modality"><c>audio</c> or <c>video</c>.</param>
    /// <exception cref="FailureException">It is neither.</exception>
    public static string EncoderFile(string modality) => modality is "audio" or "video"
        ? $"encoder-{modality}.safetensors"
        : throw new FailureException($"{DescriptionFile} names an encoder of {modality}; audio and video are known");

    private static string Name(WeightModality modality) => modality == WeightModality.Audio ? "audio" : "video";

    private static string Whole(string folder, string name, ClassifierDescription description)
    {
        var path = Path.Combine(folder, name);
        if (!File.Exists(path))
        {
            throw new FailureException($"{path} is missing; copy the whole folder, or evaluate again");
        }

        Require(path, Hash(path), description);
        return path;
    }

    private static void Require(string path, string sha256, ClassifierDescription description)
    {
        var said = description.Files.GetValueOrDefault(Path.GetFileName(path));
        if (said != sha256)
        {
            throw new FailureException($"{path} is not the file that {DescriptionFile} names: its SHA-256 is {sha256}, not {said ?? "(none)"}; evaluate again");
        }
    }

    private static string Hash(string path)
    {
        using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}

/// <summary>
/// What a classifier learnt beyond its encoders: the tensors of a <see cref="ClassifierHead"/>, or an SVM's coefficients under the same names, in float64.
/// </summary>
internal sealed record HeadWeights(IReadOnlyList<WeightTensor> Tensors)
{
    public const string Weight = "classifier.weight", Bias = "classifier.bias";

    public static HeadWeights Of(LinearSvmModel model)
    {
        using var scope = NewDisposeScope();
        return new HeadWeights(
        [
            TensorBytes.Copy(Weight, tensor(model.Coefficients, [model.Classes, model.Dim])), TensorBytes.Copy(Bias, tensor(model.Intercepts)),
        ]);
    }

    public static HeadWeights Of(ClipClassifier model) => new([.. StateNames.StateDict(model.Head).Select(e => TensorBytes.Copy(e.Name, e.Value))]);

    /// <exception cref="FailureException">The file holds none of that size.</exception>
    public static HeadWeights Read(string path, int classes, int dim)
    {
        using var file = SafetensorsFile.Open(path);
        var tensors = file.ReadAll();
        var weight = tensors.FirstOrDefault(t => t.Name == Weight);
        return weight is { Shape: [var rows, var columns] } && rows == classes && columns == dim
            ? new HeadWeights(tensors)
            : throw new FailureException(
                $"{path}: {weight?.ToString() ?? $"no {Weight}"}, where {classes} classes of {dim} features need [{classes}, {dim}]; evaluate again");
    }

    public LinearSvmModel ToSvm() => new((int)Find(Weight).Shape[1], Values(Weight), Values(Bias));

    /// <exception cref="UsageException">The tensors are those of another kind of head.</exception>
    public void Fill(ClipClassifier model) => WeightMatch.Load(model.Head, KeptClassifier.HeadFile, Tensors);

    private WeightTensor Find(string name) =>
        Tensors.FirstOrDefault(t => t.Name == name) ?? throw new FailureException($"{KeptClassifier.HeadFile} has no {name}; evaluate again");

    /// <summary>The values of a tensor, row-major.</summary>
    /// <exception cref="FailureException">There is none of that name.</exception>
    public double[] Values(string name)
    {
        using var scope = NewDisposeScope();
        return TensorBytes.ToTensor(Find(name)).to(ScalarType.Float64).data<double>().ToArray();
    }
}
