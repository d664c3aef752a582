using TorchSharp;
using TorchSharp.Modules;
using Xkd.Model.Networks;
using Xkd.Model.Weights;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Evaluation;

/// <summary>An encoder with a classifier on its pooled tokens: the network of linear evaluation (encoder frozen) and of fine-tuning.</summary>
public sealed class EncoderClassifier : nn.Module<Tensor, Tensor>
{
    // The order of the reference's evaluation networks, which layer-decay groups inherit.
    private static readonly string[] Order = ["cls_token", "pos_embed", "blocks.", "patch_embed.", "norm.", "head."];

    private readonly EncoderPooling _pooling;
    private readonly bool _frozen;

#pragma warning disable IDE1006, SA1300 // Module fields carry the state-dict names.
    private readonly ViT backbone;
    private readonly ClassifierHead head;
#pragma warning restore IDE1006, SA1300

    /// <param name="backbone">Encoder; this module owns it.</param>
    /// <param name="head">Classifier of the encoder's width; this module owns it.</param>
    /// <param name="pooling">Default: mean over patches.</param>
    /// <param name="frozen">The encoder runs without gradients and in evaluation mode, and its parameters stay.</param>
    public EncoderClassifier(ViT backbone, ClassifierHead head, EncoderPooling pooling = EncoderPooling.PatchMean, bool frozen = false)
        : base(nameof(EncoderClassifier))
    {
        (this.backbone, this.head, _pooling, _frozen) = (backbone, head, pooling, frozen);
        RegisterComponents();
        foreach ((string _, Parameter parameter) in StateNames.Parameters(backbone))
        {
            parameter.requires_grad = !frozen;
        }
    }

    public ViT Backbone => backbone;

    public ClassifierHead Head => head;

    /// <summary>Pooled features [N, D] of an encoder's input.</summary>
    /// <exception cref="UsageException">The class token of an encoder that has none.</exception>
    public static Tensor Features(ViT backbone, Tensor input, EncoderPooling pooling)
    {
        using DisposeScope scope = NewDisposeScope();
        return Pool(backbone, backbone.call(input), pooling).MoveToOuterDisposeScope();
    }

    /// <summary>Tokens after the final norm [N, prefix + L, D] to [N, D].</summary>
    public static Tensor Pool(ViT backbone, Tensor tokens, EncoderPooling pooling) => (pooling, backbone.Prefix) switch
    {
        (EncoderPooling.ClassToken, 0) => throw new UsageException("pooling: the encoder has no class token; use the patch mean."),
        (EncoderPooling.ClassToken, _) => tokens.select(1, 0),
        (_, int prefix) => tokens.narrow(1, prefix, tokens.shape[1] - prefix).mean([1L]),
    };

    /// <summary>Logits [N, classes].</summary>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor features;
        using (IDisposable? noGrad = _frozen ? no_grad() : null)
        {
            features = Features(backbone, input, _pooling); // [N, D]
        }

        return head.call(features).MoveToOuterDisposeScope();
    }

    /// <summary>Trainable parameters under evaluation names (<c>blocks.0.…</c>, <c>norm.…</c>, <c>head.…</c>), in the reference's order: what <see cref="LayerDecayGroups"/> takes.</summary>
    public IReadOnlyList<(string Name, Parameter Value)> EvaluationParameters() =>
    [
        .. StateNames.Parameters(backbone).Select(p => (Name: WeightNames.ToEvaluation(p.Name), p.Value))
            .Concat(StateNames.Parameters(head, "head."))
            .Where(p => p.Value.requires_grad)
            .OrderBy(p => Array.FindIndex(Order, prefix => p.Name.StartsWith(prefix, StringComparison.Ordinal))),
    ];

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            backbone.Dispose();
            head.Dispose();
        }

        base.Dispose(disposing);
    }
}
