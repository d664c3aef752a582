using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Xkd.Model.Networks;

#pragma warning disable IDE1006 // field names are state-dict names

/// <summary>A stack of blocks: what MAS and MATS share between modalities.</summary>
public sealed class Transformer : nn.Module<Tensor, Tensor>
{
    private readonly ModuleList<Block> blocks;

    public Transformer(TransformerOptions options, Device? device = null)
        : base(nameof(Transformer))
    {
        Options = options;
        blocks = new ModuleList<Block>(Enumerable.Range(0, options.Depth).Select(_ => new Block(options, device)).ToArray());
        register_module(nameof(blocks), blocks);
    }

    public TransformerOptions Options { get; }

    /// <summary>[B, N, D] to [B, N, D], no final norm.</summary>
    public override Tensor forward(Tensor x)
    {
        foreach (var block in blocks)
        {
            x = block.call(x);
        }

        return x;
    }

    /// <summary>As <see cref="forward"/>, with the last block's attention probabilities, see <see cref="Attention.ForwardWithProbabilities"/>.</summary>
    public (Tensor Output, Tensor Probabilities) ForwardWithProbabilities(Tensor x, bool classRowOnly)
    {
        for (var i = 0; i < blocks.Count - 1; i++)
        {
            x = blocks[i].call(x);
        }

        return blocks[^1].ForwardWithProbabilities(x, classRowOnly);
    }
}
