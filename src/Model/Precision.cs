namespace Xkd.Model;

/// <summary>What the forward pass computes in. Parameters, gradients, optimizer and losses are float32 always.</summary>
public enum Precision
{
    /// <summary>bfloat16 on a GPU, float32 on the CPU, where bfloat16 is slower.</summary>
    Auto,

    /// <summary>float32 throughout.</summary>
    Float32,

    /// <summary>Matrix products in bfloat16 (libtorch's autocast).</summary>
    Bfloat16,
}
