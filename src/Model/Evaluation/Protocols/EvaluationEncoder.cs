using System.Globalization;
using System.Text.Json;
using Xkd.Model.Method;
using Xkd.Model.Training;
using Xkd.Model.Weights;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>What is known of an encoder beside its tensors: a run's configuration says it, and so does an exported file, in its metadata.</summary>
public static class EncoderDescription
{
    private const string MetadataKey = "xkd.encoder";

    /// <summary>Of a run that trained it.</summary>
    public static EncoderSection Of(PretrainConfig config, double melMean, double melStd) => new()
    {
        Heads = config.Model.Encoder.Heads,
        Fps = config.Data.Fps,
        Frames = config.Data.GlobalFrames,
        Size = config.Data.GlobalSize,
        VideoPatch = config.Model.VideoPatch,
        Mels = config.Data.Mels,
        MelFrames = config.Data.GlobalMelFrames,
        AudioPatch = config.Model.AudioPatch,
        MelMean = melMean,
        MelStd = melStd,
    };

    /// <summary>Of a run folder, a checkpoint in one, or an export; null where the weights come without.</summary>
    /// <exception cref="UsageException">A run folder that is not whole.</exception>
    public static EncoderSection? Find(string path)
    {
        var folder = new[] { path, Path.Combine(path, "..", "..") }.FirstOrDefault(p => Directory.Exists(path) && new RunFolder(p).HasRun);
        if (folder is not null)
        {
            var run = new RunFolder(folder);
            var origin = run.ReadOrigin() ?? throw new UsageException($"{folder} has no run.json; it is not a whole run folder");
            return Of(run.ReadConfig(), origin.MelMean, origin.MelStd);
        }

        return File.Exists(path) && Metadata(path).TryGetValue(MetadataKey, out var text) ? Parse(path, text) : null;
    }

    private static EncoderSection Parse(string file, string text)
    {
        string problem;
        try
        {
            var said = JsonSerializer.Deserialize<EncoderSection>(text);
            problem = said is null ? "it is null" : string.Join("; ", ConfigBinder.OutOfRange(said));
            if (said is not null && problem.Length == 0)
            {
                return said;
            }
        }
        catch (JsonException e)
        {
            problem = e.Message;
        }

        throw new FailureException($"{file}: its metadata {MetadataKey} makes no sense: {problem}; export the weights again");
    }

    private static IReadOnlyDictionary<string, string> Metadata(string file)
    {
        if (!file.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
        {
            return PickleReader.Metadata(file);
        }

        using var safetensors = SafetensorsFile.Open(file);
        return safetensors.Metadata;
    }

    /// <summary>As metadata of an exported file.</summary>
    public static IReadOnlyDictionary<string, string> ToMetadata(EncoderSection description) =>
        new Dictionary<string, string>(StringComparer.Ordinal) { [MetadataKey] = JsonSerializer.Serialize(description) };
}

/// <summary>One pre-trained encoder with what its inputs must be, whatever file it came from.</summary>
public sealed class EvaluationEncoder : IDisposable
{
    private const int FeaturesPerHead = 64;
    private readonly bool _owned;

    private EvaluationEncoder(ViT network, WeightModality modality, WeightBranch branch, EncoderSection description, string sha256, bool owned)
    {
        (Network, Modality, Branch, Description, WeightsSha256, _owned) = (network, modality, branch, description, sha256, owned);
        Network.eval();
    }

    /// <summary>The network, in evaluation mode.</summary>
    public ViT Network { get; }

    /// <summary>What it encodes: frames or spectrograms.</summary>
    public WeightModality Modality { get; }

    /// <summary>Which copy it is.</summary>
    public WeightBranch Branch { get; }

    /// <summary>Sizes of its native input and the normalisation of its spectrograms.</summary>
    public EncoderSection Description { get; }

    /// <summary>SHA-256 of the weights file; empty for an encoder that was never trained.</summary>
    public string WeightsSha256 { get; }

    /// <summary>Numbers of a feature vector.</summary>
    public int Width => Network.Options.Dim;

    /// <summary>Reads one encoder of a run, a checkpoint, an official file or an export. Runs that share blocks between modalities have both.</summary>
    /// <param name="path">A run folder, a checkpoint folder, or a <c>.pth</c>, <c>.pth.tar</c>, <c>.pt</c> or <c>.safetensors</c> file.</param>
    /// <param name="modality">Which encoder.</param>
    /// <param name="branch">Which copy, where the weights hold a whole model.</param>
    /// <param name="fallback">Sizes where the weights come without a description.</param>
    /// <param name="device">Where it runs.</param>
    /// <param name="warn">Receives a line where the statistics of spectrograms are the released ones because nothing says otherwise.</param>
    /// <exception cref="UsageException">The weights hold no such encoder, or do not fit the description.</exception>
    /// <exception cref="FailureException">The file is absent or damaged.</exception>
    public static EvaluationEncoder Open(
        string path, WeightModality modality, WeightBranch branch, EncoderSection fallback, Device device, Action<string>? warn = null)
    {
        var weights = WeightImporter.Read(path, new WeightImportOptions { Modality = modality, Branch = branch });
        var said = EncoderDescription.Find(path);
        EncoderSection description = said ?? fallback, released = new();
        if (said is null && modality == WeightModality.Audio && (fallback.MelMean, fallback.MelStd) == (released.MelMean, released.MelStd))
        {
            warn?.Invoke(string.Create(
                CultureInfo.InvariantCulture,
                $"{path} does not say what spectrograms it was trained on: mean {released.MelMean} and deviation {released.MelStd} are used, ")
                + "right for the released weights; for others write --set encoder.mel_mean=M --set encoder.mel_std=S, or name the run");
        }

        var network = Build(weights, modality, description, device);
        WeightMatch.Load(network, weights.Source, weights.Tensors);
        return new EvaluationEncoder(network, modality, branch, description, weights.Sha256, owned: true);
    }

    /// <summary>Reads one encoder; of weights that do not describe themselves the sizes are the released ones.</summary>
    /// <inheritdoc cref="Open(string, WeightModality, WeightBranch, EncoderSection, Device, Action{string})"/>
    public static EvaluationEncoder Open(string path, WeightModality modality, WeightBranch branch, Device device) =>
        Open(path, modality, branch, new EncoderSection(), device);

    /// <summary>One encoder of a model that lives elsewhere; disposing leaves it.</summary>
    public static EvaluationEncoder Of(FrozenEncoder model, WeightModality modality, WeightBranch branch) => new(
        model.Backbone(modality, branch), modality, branch, EncoderDescription.Of(model.Config, model.MelMean, model.MelStd), model.WeightsSha256,
        owned: false);

    /// <summary>Mean of the patch tokens [N, width] of [N, 3, frames, size, size] or [N, 1, mels, frames].</summary>
    public Tensor Features(Tensor input)
    {
        using var scope = NewDisposeScope();
        return Pool(Network, Network.call(input)).MoveToOuterDisposeScope();
    }

    /// <summary>The patch tokens after the final norm [N, L, width], the class token left out, of an input as in <see cref="Features"/>.</summary>
    public Tensor Tokens(Tensor input)
    {
        using var scope = NewDisposeScope();
        return Patches(Network, Network.call(input)).MoveToOuterDisposeScope();
    }

    /// <summary>The mean over patches, the class token left out: tokens after the final norm [N, prefix + L, D] to [N, D].</summary>
    internal static Tensor Pool(ViT network, Tensor tokens) => Patches(network, tokens).mean([1L]);

    private static Tensor Patches(ViT network, Tensor tokens) => tokens.narrow(1, network.Prefix, tokens.shape[1] - network.Prefix);

    /// <summary>Which of the weights named is a modality's: the only one, or of several the first that holds the modality's encoder.</summary>
    /// <exception cref="UsageException">None does.</exception>
    public static string WeightsFor(IReadOnlyList<string> weights, WeightModality modality)
    {
        if (weights.Count == 1)
        {
            return weights[0];
        }

        List<string> refused = [];
        foreach (var path in weights)
        {
            try
            {
                // Told from the weights: a file of the other modality is refused here.
                var held = WeightImporter.Read(path).Modality;
                if (held is null || held == modality)
                {
                    return path;
                }

                refused.Add($"{path} is of {held.Value.ToString().ToLowerInvariant()}");
            }
            catch (UsageException e)
            {
                refused.Add(e.Message);
            }
        }

        throw new UsageException($"no --weights for {modality.ToString().ToLowerInvariant()}: {string.Join("; ", refused)}");
    }

    public void Dispose()
    {
        if (_owned)
        {
            Network.Dispose();
        }
    }

    // A network is only made in the sizes that the file holds tensors of: nothing it says of itself can ask for more memory than it takes itself.
    private static ViT Build(ImportedWeights weights, WeightModality modality, EncoderSection d, Device device)
    {
        var shapes = weights.Tensors.ToDictionary(t => t.Name, t => t.Shape, StringComparer.Ordinal);
        long[] Shape(string name, int rank) => !shapes.TryGetValue(name, out var shape)
            ? throw new UsageException($"{weights.Source} holds no encoder: it has no {name}")
            : shape.Length == rank ? shape : throw new UsageException(
                $"{weights.Source} holds no encoder: {name} is [{string.Join(", ", shape)}] and should have {rank} dimensions");
        var dim = (int)Shape("encoder_norm.weight", 1)[0];
        var hidden = Shape("encoder.blocks.0.mlp.fc1.weight", 2);
        var heads = d.Heads > 0 ? d.Heads : dim / FeaturesPerHead;
        if (heads < 1 || dim % heads != 0)
        {
            throw new UsageException(
                $"{weights.Source}: an encoder of {dim} features cannot have {heads} heads, and its weights do not tell; write --set encoder.heads=N");
        }

        var options = new TransformerSection()
        {
            Dim = dim,
            Heads = heads,
            Depth = shapes.Count(s => s.Key.StartsWith("encoder.blocks.", StringComparison.Ordinal)
                && s.Key.EndsWith(".mlp.fc1.weight", StringComparison.Ordinal) && s.Value.AsSpan().SequenceEqual(hidden)),
            MlpRatio = hidden[0] / (double)dim,
        };
        var token = shapes.ContainsKey("cls_token");
        var isVideo = modality == WeightModality.Video;
        var video = new VideoGeometry
        {
            Frames = d.Frames, Height = d.Size, Width = d.Size, PatchFrames = d.VideoPatch[0], PatchHeight = d.VideoPatch[1], PatchWidth = d.VideoPatch[2],
        };
        var audio = new AudioGeometry { Mels = d.Mels, Frames = d.MelFrames, PatchMels = d.AudioPatch[0], PatchFrames = d.AudioPatch[1] };
        var (tokens, values) = (0, isVideo ? video.PatchDim : audio.PatchDim);
        try
        {
            tokens = isVideo ? video.Tokens : audio.Tokens;
        }
        catch (UsageException e)
        {
            throw new UsageException($"{weights.Source}: {e.Message}", e);
        }

        var sized = new Dictionary<string, long[]>(StringComparer.Ordinal)
        {
            ["enc_pos_embed"] = [1, tokens + (token ? 1 : 0), dim],
            [isVideo ? "cuboid_embed.proj.weight" : "patch_embed.proj.weight"] = [dim, values],
        };
        WeightMatch.Require(weights.Source, [.. weights.Tensors.Where(t => sized.ContainsKey(t.Name))], sized);
        return isVideo ? new VideoViT(video, options, token, device: device) : new AudioViT(audio, options, token, device: device);
    }
}
