using TorchSharp.Modules;
using Xkd.Model.Native;
using static TorchSharp.torch;

namespace Xkd.Model.Networks;

#pragma warning disable IDE1006 // field names are state-dict names

/// <summary>Layer normalisation of the last dimension, eps 1e-5 everywhere in the reference.</summary>
public sealed class LayerNorm : nn.Module<Tensor, Tensor>
{
    private const double Eps = 1e-5;

    private readonly Parameter? weight;
    private readonly Parameter? bias;
    private readonly long[] shape;

    /// <param name="dim">Width of the last dimension.</param>
    /// <param name="affine">With a trained scale and shift.</param>
    /// <param name="device">Where the parameters live.</param>
    public LayerNorm(long dim, bool affine = true, Device? device = null)
        : base(nameof(LayerNorm))
    {
        shape = [dim];
        if (affine)
        {
            weight = LiveTensors.Parameter(ones(dim, device: device));
            bias = LiveTensors.Parameter(zeros(dim, device: device));
            register_parameter(nameof(weight), weight);
            register_parameter(nameof(bias), bias);
        }
    }

    /// <summary>[dim], or null.</summary>
    public Parameter? Weight => weight;

    /// <summary>[dim], or null.</summary>
    public Parameter? Bias => bias;

    public override Tensor forward(Tensor x) => nn.functional.layer_norm(x, shape, weight!, bias!, Eps);
}
