using static TorchSharp.torch;

namespace Xkd.Model.Networks;

#pragma warning disable IDE1006 // field names are state-dict names

/// <summary>A pre-norm transformer block.</summary>
public sealed class Block : nn.Module<Tensor, Tensor>
{
    private readonly LayerNorm norm1;
    private readonly Attention attn;
    private readonly LayerNorm norm2;
    private readonly Mlp mlp;

    public Block(TransformerOptions options, Device? device = null)
        : base(nameof(Block))
    {
        norm1 = new LayerNorm(options.Dim, affine: true, device);
        attn = new Attention(options.Dim, options.Heads, device);
        norm2 = new LayerNorm(options.Dim, affine: true, device);
        mlp = new Mlp(options.Dim, options.HiddenDim, device);
        register_module(nameof(norm1), norm1);
        register_module(nameof(attn), attn);
        register_module(nameof(norm2), norm2);
        register_module(nameof(mlp), mlp);
    }

    /// <summary>[B, N, D] to [B, N, D].</summary>
    public override Tensor forward(Tensor x)
    {
        // Closing the scope here lets go of what backward does not need while the rest of the network still runs.
        using var scope = NewDisposeScope();
        x = x + attn.call(norm1.call(x));
        return scope.MoveToOuter(x + mlp.call(norm2.call(x)));
    }

    /// <summary>As <see cref="forward"/>, with the attention probabilities, see <see cref="Attention.ForwardWithProbabilities"/>.</summary>
    public (Tensor Output, Tensor Probabilities) ForwardWithProbabilities(Tensor x, bool classRowOnly)
    {
        using var scope = NewDisposeScope();
        var (attended, probabilities) = attn.ForwardWithProbabilities(norm1.call(x), classRowOnly);
        x = x + attended;
        return scope.MoveToOuter(x + mlp.call(norm2.call(x)), probabilities);
    }
}
