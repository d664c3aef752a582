using static TorchSharp.torch;

namespace Xkd.Model.Method;

#pragma warning disable IDE1006 // field names are state-dict names

/// <summary>
/// The projector: an MLP whose hidden layers share ONE LayerNorm (reference behaviour: the same module sits at several positions), then a bottleneck on the
/// unit sphere and a linear layer with rows of fixed length, then a LayerNorm without scale and shift.
/// </summary>
public sealed class Projector : nn.Module<Tensor, Tensor>
{
    private readonly nn.Module mlp;
    private readonly List<nn.Module<Tensor, Tensor>> layers = [];
    private readonly WeightNormLinear? last_layer;
    private readonly LayerNorm? last_norm;

    public Projector(int inputs, ProjectorSection options, Device? device = null)
        : base(nameof(Projector))
    {
        var end = options.Bottleneck > 0 ? options.Bottleneck : options.Out;
        var norm = options.HiddenNorm && options.Layers > 1 ? new LayerNorm(options.Hidden, affine: true, device) : null;
        for (var i = 0; i < options.Layers - 1; i++)
        {
            layers.Add(new Linear(i == 0 ? inputs : options.Hidden, options.Hidden, bias: true, device));
            if (norm is not null)
            {
                layers.Add(norm);
            }

            layers.Add(new ActivationLayer(options.Activation));
        }

        layers.Add(new Linear(options.Layers == 1 ? inputs : options.Hidden, end, bias: true, device));
        mlp = options.Layers == 1 ? layers[0] : new IndexedModules(layers); // a single layer carries no index in the reference's names
        last_layer = options.Bottleneck > 0 ? new WeightNormLinear(options.Bottleneck, options.Out, options.FixedMagnitude, device) : null;
        last_norm = options.OutputNorm ? new LayerNorm(options.Out, affine: false) : null;
        RegisterComponents();
    }

    /// <summary>Features [B, D] to logits [B, out]; of [B, N, D] token 0 is taken.</summary>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        x = x.dim() == 3 ? x.select(1, 0) : x.alias(); // [B, D]
        foreach (var layer in layers)
        {
            x = layer.call(x);
        }

        if (last_layer is not null)
        {
            x = last_layer.call(nn.functional.normalize(x, p: 2, dim: -1)); // [B, bottleneck] -> [B, out]
        }

        return scope.MoveToOuter(last_norm?.call(x) ?? x);
    }

    private sealed class IndexedModules : nn.Module
    {
        public IndexedModules(IReadOnlyList<nn.Module<Tensor, Tensor>> layers)
            : base(nameof(IndexedModules))
        {
            for (var i = 0; i < layers.Count; i++)
            {
                register_module(i.ToString(), layers[i]);
            }
        }
    }

    private sealed class ActivationLayer(Activation activation) : nn.Module<Tensor, Tensor>(nameof(ActivationLayer))
    {
        public override Tensor forward(Tensor x) => activation == Activation.Gelu ? nn.functional.gelu(x) : nn.functional.relu(x);
    }
}
