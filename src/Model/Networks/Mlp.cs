using static TorchSharp.torch;

namespace Xkd.Model.Networks;

#pragma warning disable IDE1006 // field names are state-dict names

/// <summary>The two-layer perceptron of a block, with exact GELU between.</summary>
public sealed class Mlp : nn.Module<Tensor, Tensor>
{
    private readonly Linear fc1;
    private readonly Linear fc2;

    public Mlp(int dim, int hidden, Device? device = null)
        : base(nameof(Mlp))
    {
        fc1 = new Linear(dim, hidden, bias: true, device);
        fc2 = new Linear(hidden, dim, bias: true, device);
        register_module(nameof(fc1), fc1);
        register_module(nameof(fc2), fc2);
    }

    /// <summary>[B, N, D] to [B, N, D].</summary>
    public override Tensor forward(Tensor x) => fc2.call(nn.functional.gelu(fc1.call(x)));
}
