using TorchSharp.Modules;
using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Method;

#pragma warning disable IDE1006 // field names are state-dict names

/// <summary>A stack of blocks: what MAS and MATS share between modalities.</summary>
public sealed class Transformer : nn.Module<Tensor, Tensor>
{
    private readonly ModuleList<Block> blocks;

    public Transformer(TransformerSection options, Device? device = null)
        : base(nameof(Transformer))
    {
        Options = options;
        blocks = new ModuleList<Block>(Enumerable.Range(0, options.Depth).Select(_ => new Block(options, device)).ToArray());
        RegisterComponents();
    }

    public TransformerSection Options { get; }

    /// <summary>Set: what lies between products is done by these kernels while products are computed in bfloat16.</summary>
    internal FusedKernels? Kernels { get; set; }

    /// <summary>[B, N, D] to [B, N, D], no final norm.</summary>
    public override Tensor forward(Tensor x) => Run(x, blocks.Count);

    /// <summary>As <see cref="forward"/>, with the last block's attention probabilities, see <see cref="Attention.ForwardWithProbabilities"/>.</summary>
    public (Tensor Output, Tensor Probabilities) ForwardWithProbabilities(Tensor x, bool classRowOnly)
    {
        x = Run(x, blocks.Count - 1);
        return blocks[^1].ForwardWithProbabilities(x, classRowOnly);
    }

    private Tensor Run(Tensor x, int count)
    {
        if (Kernels is null || !Autocast.Lowers)
        {
            for (var i = 0; i < count; i++)
            {
                x = blocks[i].call(x);
            }

            return x;
        }

        // What a block adds last is added by the first norm of the next.
        Pending pending = new(x.to(Kernels.Stream), null, null);
        for (var i = 0; i < count; i++)
        {
            pending = blocks[i].Fused(pending, Kernels);
        }

        return pending.Branch is null ? x : pending.Stream.Add(pending.Branch.Add(pending.Bias!)); // [B, N, D], float32
    }
}

/// <summary>A pre-norm transformer block.</summary>
public sealed class Block : nn.Module<Tensor, Tensor>
{
    private readonly LayerNorm norm1;
    private readonly Attention attn;
    private readonly LayerNorm norm2;
    private readonly Mlp mlp;

    public Block(TransformerSection options, Device? device = null)
        : base(nameof(Block))
    {
        norm1 = new LayerNorm(options.Dim, affine: true, device);
        attn = new Attention(options.Dim, options.Heads, device);
        norm2 = new LayerNorm(options.Dim, affine: true, device);
        mlp = new Mlp(options.Dim, options.HiddenDim, device);
        RegisterComponents();
    }

    /// <summary>[B, N, D] to [B, N, D].</summary>
    public override Tensor forward(Tensor x)
    {
        // Closing the scope here lets go of what backward does not need while the rest of the network still runs.
        using var scope = NewDisposeScope();
        x = x.Add(attn.call(norm1.call(x)));
        return scope.MoveToOuter(x.Add(mlp.call(norm2.call(x))));
    }

    /// <summary>As <see cref="forward"/> by kernels, from a stream and what is still to be added to it to the same.</summary>
    internal Pending Fused(Pending x, FusedKernels kernels)
    {
        using var scope = NewDisposeScope();
        var (stream, normed) = kernels.AddNorm(x.Stream, x.Branch, x.Bias, norm1.Weight!, norm1.Bias!);
        var attended = attn.Product(normed);
        (stream, normed) = kernels.AddNorm(stream, attended, attn.Bias, norm2.Weight!, norm2.Bias!);
        return new Pending(scope.MoveToOuter(stream), scope.MoveToOuter(mlp.Product(normed, kernels)), mlp.Bias);
    }

    /// <summary>As <see cref="forward"/>, with the attention probabilities, see <see cref="Attention.ForwardWithProbabilities"/>.</summary>
    public (Tensor Output, Tensor Probabilities) ForwardWithProbabilities(Tensor x, bool classRowOnly)
    {
        using var scope = NewDisposeScope();
        var (attended, probabilities) = attn.ForwardWithProbabilities(norm1.call(x), classRowOnly);
        x = x.Add(attended);
        return scope.MoveToOuter(x.Add(mlp.call(norm2.call(x))), probabilities);
    }
}

/// <summary>A residual stream, and a branch with its bias that is still to be added: stream + (branch + bias).</summary>
/// <param name="Stream">[B, N, D]</param>
/// <param name="Branch">[B, N, D], bfloat16; null: nothing to add.</param>
/// <param name="Bias">[D]</param>
internal readonly record struct Pending(Tensor Stream, Tensor? Branch, Tensor? Bias);

/// <summary>Multi-head self-attention; queries, keys and values come from one projection without bias.</summary>
public sealed class Attention : nn.Module<Tensor, Tensor>
{
    private readonly Linear qkv;
    private readonly Linear proj;
    private readonly int heads;

    public Attention(int dim, int heads, Device? device = null)
        : base(nameof(Attention))
    {
        this.heads = heads;
        qkv = new Linear(dim, 3L * dim, bias: false, device);
        proj = new Linear(dim, dim, bias: true, device);
        RegisterComponents();
    }

    /// <summary>Of the output [D].</summary>
    public Tensor Bias => proj.Bias!;

    /// <summary>[B, N, D] to [B, N, D].</summary>
    public override Tensor forward(Tensor x) => proj.call(Attend(x));

    /// <summary>As <see cref="forward"/>, but for the bias.</summary>
    public Tensor Product(Tensor x) => proj.Product(Attend(x));

    /// <summary>
    /// As <see cref="forward"/>, with the attention probabilities of the class token's row [B, heads, N] (all the teachers' features need: the N×N map is
    /// never built), or of all rows [B, heads, N, N].
    /// </summary>
    public (Tensor Output, Tensor Probabilities) ForwardWithProbabilities(Tensor x, bool classRowOnly)
    {
        var (q, k, v) = Project(x);
        var rows = classRowOnly ? q.narrow(2, 0, 1) : q; // [B, heads, 1 or N, d]
        var probabilities = softmax(rows.matmul(k.transpose(-2, -1)).Mul(1 / Math.Sqrt(q.shape[^1])), -1); // [B, heads, 1 or N, N]
        var output = proj.call(Merge(nn.functional.scaled_dot_product_attention(q, k, v))); // [B, N, D]
        return (output, classRowOnly ? probabilities.squeeze(2) : probabilities);
    }

    private (Tensor Q, Tensor K, Tensor V) Project(Tensor x)
    {
        var (batch, tokens, dim) = (x.shape[0], x.shape[1], x.shape[2]);
        // Split before they are transposed: backward stacks them where the projection wants them.
        var parts = qkv.call(x).view(batch, tokens, 3, heads, dim / heads).unbind(2); // 3 x [B, N, heads, d]
        return (parts[0].transpose(1, 2), parts[1].transpose(1, 2), parts[2].transpose(1, 2)); // [B, heads, N, d]
    }

    private Tensor Attend(Tensor x)
    {
        var (q, k, v) = Project(x);
        return Merge(nn.functional.scaled_dot_product_attention(q, k, v)); // [B, N, D]
    }

    private static Tensor Merge(Tensor x) => x.transpose(1, 2).flatten(2); // [B, heads, N, d] -> [B, N, D]
}
