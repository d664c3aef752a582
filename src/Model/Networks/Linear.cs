using TorchSharp.Modules;
using Xkd.Model.Native;
using static TorchSharp.torch;

namespace Xkd.Model.Networks;

#pragma warning disable IDE1006 // field names are state-dict names

/// <summary>
/// An affine map of the last dimension. TorchSharp's own draws its initial values from the global generator on construction; here
/// <see cref="Initialisation"/> draws them, once and from a seed.
/// </summary>
public sealed class Linear : nn.Module<Tensor, Tensor>
{
    private readonly Parameter weight;
    private readonly Parameter? bias;

    public Linear(long inputs, long outputs, bool bias = true, Device? device = null)
        : base(nameof(Linear))
    {
        weight = LiveTensors.Parameter(zeros(outputs, inputs, device: device));
        register_parameter(nameof(weight), weight);
        if (bias)
        {
            this.bias = LiveTensors.Parameter(zeros(outputs, device: device));
            register_parameter(nameof(bias), this.bias);
        }
    }

    /// <summary>[outputs, inputs]</summary>
    public Parameter Weight => weight;

    /// <summary>[outputs], or null.</summary>
    public Parameter? Bias => bias;

    public override Tensor forward(Tensor x) => nn.functional.linear(x, weight, bias); // [.., inputs] -> [.., outputs]
}
