using TorchSharp.Modules;
using Xkd.Model.Native;
using static TorchSharp.torch;

namespace Xkd.Model.Networks;

#pragma warning disable IDE1006 // field names are state-dict names

/// <summary>A linear layer without bias whose rows are <c>weight_v</c>, normalised to the length <c>weight_g</c>.</summary>
public sealed class WeightNormLinear : nn.Module<Tensor, Tensor>
{
    private readonly Parameter weight_g;
    private readonly Parameter weight_v;

    /// <param name="inputs">Input width.</param>
    /// <param name="outputs">Output width.</param>
    /// <param name="fixedMagnitude">Keep <c>weight_g</c> at 1, untrained.</param>
    /// <param name="device">Where the parameters live.</param>
    public WeightNormLinear(int inputs, int outputs, bool fixedMagnitude, Device? device = null)
        : base(nameof(WeightNormLinear))
    {
        FixedMagnitude = fixedMagnitude;
        weight_g = LiveTensors.Parameter(ones(outputs, 1, device: device), requiresGrad: !fixedMagnitude);
        weight_v = LiveTensors.Parameter(zeros(outputs, inputs, device: device));
        register_parameter(nameof(weight_g), weight_g);
        register_parameter(nameof(weight_v), weight_v);
    }

    public bool FixedMagnitude { get; }

    /// <summary>Row lengths [outputs, 1].</summary>
    public Parameter Magnitude => weight_g;

    /// <summary>Row directions [outputs, inputs].</summary>
    public Parameter Direction => weight_v;

    public override Tensor forward(Tensor x)
    {
        var weight = weight_v * (weight_g / weight_v.norm(1, keepdim: true, p: 2)); // [outputs, inputs]
        return nn.functional.linear(x, weight);
    }
}
