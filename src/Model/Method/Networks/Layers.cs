using TorchSharp.Modules;
using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Method;

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
        this.bias = bias ? LiveTensors.Parameter(zeros(outputs, device: device)) : null;
        RegisterComponents();
    }

    /// <summary>[outputs, inputs]</summary>
    public Parameter Weight => weight;

    /// <summary>[outputs], or null.</summary>
    public Parameter? Bias => bias;

    /// <summary>A copy of the weight in bfloat16 that whoever changes the weight keeps like it; null: none.</summary>
    internal Tensor? Low { get; set; }

    public override Tensor forward(Tensor x) => Multiply(x, bias);

    /// <summary>As <see cref="forward"/>, but for the bias.</summary>
    public Tensor Product(Tensor x) => Multiply(x, null);

    private Tensor Multiply(Tensor x, Tensor? add) => Low is not null && Autocast.Lowers
        ? LowProduct.Of(x, weight, Low, add)
        : nn.functional.linear(x, weight, add); // [.., inputs] -> [.., outputs]
}

/// <summary>Layer normalisation of the last dimension, eps 1e-5 everywhere in the reference.</summary>
internal sealed class LayerNorm : nn.Module<Tensor, Tensor>
{
    internal const double Eps = 1e-5;

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
        }

        RegisterComponents();
    }

    /// <summary>[dim], or null.</summary>
    public Parameter? Weight => weight;

    /// <summary>[dim], or null.</summary>
    public Parameter? Bias => bias;

    public override Tensor forward(Tensor x) => nn.functional.layer_norm(x, shape, weight!, bias!, Eps);
}

/// <summary>A linear layer without bias whose rows are <c>weight_v</c>, normalised to the length <c>weight_g</c>.</summary>
internal sealed class WeightNormLinear : nn.Module<Tensor, Tensor>
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
        RegisterComponents();
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

/// <summary>The two-layer perceptron of a block, with exact GELU between.</summary>
internal sealed class Mlp : nn.Module<Tensor, Tensor>
{
    private readonly Linear fc1;
    private readonly Linear fc2;

    public Mlp(int dim, int hidden, Device? device = null)
        : base(nameof(Mlp))
    {
        fc1 = new Linear(dim, hidden, bias: true, device);
        fc2 = new Linear(hidden, dim, bias: true, device);
        RegisterComponents();
    }

    /// <summary>[B, N, D] to [B, N, D].</summary>
    public override Tensor forward(Tensor x) => fc2.call(nn.functional.gelu(fc1.call(x)));

    /// <summary>Of the output [D].</summary>
    public Tensor Bias => fc2.Bias!;

    /// <summary>As <see cref="forward"/>, but for the last bias.</summary>
    public Tensor Product(Tensor x, FusedKernels kernels) => fc2.Product(kernels.Gelu(fc1.Product(x), fc1.Bias!));
}

/// <summary>The linear embedding of flat patch vectors, [B, N, P] to [B, N, D].</summary>
internal sealed class PatchEmbed : nn.Module<Tensor, Tensor>
{
    private readonly Linear proj;

    public PatchEmbed(int patchDim, int dim, Device? device = null)
        : base(nameof(PatchEmbed))
    {
        proj = new Linear(patchDim, dim, bias: true, device);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => proj.call(x);
}
