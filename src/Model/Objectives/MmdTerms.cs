using static TorchSharp.torch;

namespace Xkd.Model.Objectives;

/// <summary>A maximum mean discrepancy and the kernel means it is made of, scalars: loss = kxx + kyy − 2 kxy.</summary>
public sealed record MmdTerms(Tensor Loss, Tensor Kxx, Tensor Kyy, Tensor Kxy);
