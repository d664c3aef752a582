using System.Globalization;
using Xkd.Model.Configuration;
using Xkd.Model.Networks;
using Xkd.Model.Weights;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

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

    public ViT Network { get; }

    public WeightModality Modality { get; }

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
    public static EvaluationEncoder Open(string path, WeightModality modality, WeightBranch branch, EncoderSection fallback, Device device, Action<string>? warn = null)
    {
        ImportedWeights weights = WeightImporter.Read(path, new WeightImportOptions { Modality = modality, Branch = branch });
        EncoderSection? said = EncoderDescription.Find(path);
        EncoderSection description = said ?? fallback, released = new();
        if (said is null && modality == WeightModality.Audio && (fallback.MelMean, fallback.MelStd) == (released.MelMean, released.MelStd))
        {
            warn?.Invoke(string.Create(CultureInfo.InvariantCulture,
                $"{path} does not say what spectrograms it was trained on: mean {released.MelMean} and deviation {released.MelStd} are used, right for the released weights; for others write --set encoder.mel_mean=M --set encoder.mel_std=S, or name the run"));
        }

        ViT network = Build(weights, modality, description, device);
        using IDisposable frozen = no_grad();
        Dictionary<string, Tensor> own = StateNames.StateDict(network).ToDictionary(e => e.Name, e => e.Value, StringComparer.Ordinal);
        foreach ((string name, WeightTensor tensor) in weights.Matching(own.ToDictionary(e => e.Key, e => e.Value.shape, StringComparer.Ordinal)))
        {
            TensorBytes.CopyTo(tensor, own[name]);
        }

        return new EvaluationEncoder(network, modality, branch, description, weights.Sha256, owned: true);
    }

    /// <summary>One encoder of a model that lives elsewhere; disposing leaves it.</summary>
    public static EvaluationEncoder Of(FrozenEncoder model, WeightModality modality, WeightBranch branch) => new(
        model.Backbone(modality, branch), modality, branch, EncoderDescription.Of(model.Config, model.MelMean, model.MelStd), model.WeightsSha256, owned: false);

    /// <summary>Mean of the patch tokens [N, width] of [N, 3, frames, size, size] or [N, 1, mels, frames].</summary>
    public Tensor Features(Tensor input) => EncoderClassifier.Features(Network, input, EncoderPooling.PatchMean);

    public void Dispose()
    {
        if (_owned)
        {
            Network.Dispose();
        }
    }

    private static ViT Build(ImportedWeights weights, WeightModality modality, EncoderSection d, Device device)
    {
        Dictionary<string, long[]> shapes = weights.Tensors.ToDictionary(t => t.Name, t => t.Shape, StringComparer.Ordinal);
        string[] needed = ["encoder_norm.weight", "encoder.blocks.0.mlp.fc1.weight"];
        string? absent = needed.FirstOrDefault(n => !shapes.ContainsKey(n));
        if (absent is not null)
        {
            throw new UsageException($"{weights.Source} holds no encoder: it has no {absent}");
        }

        int dim = (int)shapes[needed[0]][0];
        int heads = d.Heads > 0 ? d.Heads : dim / FeaturesPerHead;
        if (heads < 1 || dim % heads != 0)
        {
            throw new UsageException($"{weights.Source}: an encoder of {dim} features cannot have {heads} heads, and its weights do not tell; write --set encoder.heads=N");
        }

        TransformerOptions options = new()
        {
            Dim = dim,
            Heads = heads,
            Depth = shapes.Keys.Where(n => n.StartsWith("encoder.blocks.", StringComparison.Ordinal)).Select(n => n.Split('.')[2]).Distinct(StringComparer.Ordinal).Count(),
            MlpRatio = shapes[needed[1]][0] / (double)dim,
        };
        bool token = shapes.ContainsKey("cls_token");
        return modality == WeightModality.Video
            ? new VideoViT(
                new VideoGeometry { Frames = d.Frames, Height = d.Size, Width = d.Size, PatchFrames = d.VideoPatch[0], PatchHeight = d.VideoPatch[1], PatchWidth = d.VideoPatch[2] },
                options, token, device: device)
            : new AudioViT(new AudioGeometry { Mels = d.Mels, Frames = d.MelFrames, PatchMels = d.AudioPatch[0], PatchFrames = d.AudioPatch[1] }, options, token, device: device);
    }
}
