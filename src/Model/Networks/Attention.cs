using Xkd.Model.Native;
using static TorchSharp.torch;

namespace Xkd.Model.Networks;

#pragma warning disable IDE1006 // field names are state-dict names

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
        register_module(nameof(qkv), qkv);
        register_module(nameof(proj), proj);
    }

    /// <summary>[B, N, D] to [B, N, D].</summary>
    public override Tensor forward(Tensor x)
    {
        var (q, k, v) = Project(x);
        return Merge(nn.functional.scaled_dot_product_attention(q, k, v)); // [B, N, D]
    }

    /// <summary>
    /// As <see cref="forward"/>, with the attention probabilities of the class token's row [B, heads, N] (all the teachers' features need: the N×N map is
    /// never built), or of all rows [B, heads, N, N].
    /// </summary>
    public (Tensor Output, Tensor Probabilities) ForwardWithProbabilities(Tensor x, bool classRowOnly)
    {
        var (q, k, v) = Project(x);
        var rows = classRowOnly ? q.narrow(2, 0, 1) : q; // [B, heads, 1 or N, d]
        var probabilities = softmax(rows.matmul(k.transpose(-2, -1)).Times(1 / Math.Sqrt(q.shape[^1])), -1); // [B, heads, 1 or N, N]
        var output = Merge(nn.functional.scaled_dot_product_attention(q, k, v)); // [B, N, D]
        return (output, classRowOnly ? probabilities.squeeze(2) : probabilities);
    }

    private (Tensor Q, Tensor K, Tensor V) Project(Tensor x)
    {
        var (batch, tokens, dim) = (x.shape[0], x.shape[1], x.shape[2]);
        var all = qkv.call(x).view(batch, tokens, 3, heads, dim / heads).permute(2, 0, 3, 1, 4); // [3, B, heads, N, d]
        var parts = all.unbind(0); // 3 x [B, heads, N, d]
        return (parts[0], parts[1], parts[2]);
    }

    private Tensor Merge(Tensor x) => proj.call(x.transpose(1, 2).flatten(2)); // [B, heads, N, d] -> [B, N, D]
}
