using static TorchSharp.torch;

namespace Xkd.Model.Networks;

#pragma warning disable IDE1006 // field names are state-dict names

/// <summary>The linear embedding of flat patch vectors, [B, N, P] to [B, N, D].</summary>
public sealed class PatchEmbed : nn.Module<Tensor, Tensor>
{
    private readonly Linear proj;

    public PatchEmbed(int patchDim, int dim, Device? device = null)
        : base(nameof(PatchEmbed))
    {
        proj = new Linear(patchDim, dim, bias: true, device);
        register_module(nameof(proj), proj);
    }

    public override Tensor forward(Tensor x) => proj.call(x);
}
