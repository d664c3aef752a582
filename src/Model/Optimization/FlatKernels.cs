using Xkd.Model.Native;
using static TorchSharp.torch;

namespace Xkd.Model.Optimization;

/// <summary>Native kernels that TorchSharp has no method for, reached through TorchScript; they run on the CPU and on CUDA alike.</summary>
internal sealed class FlatKernels : IDisposable
{
    private const string Source = """
        def adamw(p: List[Tensor], g: List[Tensor], m: List[Tensor], v: List[Tensor], steps: List[Tensor], lr: float, beta1: float, beta2: float, decay: float, eps: float) -> Tensor:
            torch._fused_adamw_(p, g, m, v, [], steps, lr=lr, beta1=beta1, beta2=beta2, weight_decay=decay, eps=eps, amsgrad=False, maximize=False)
            return p[0]

        def segment_sums(rows: Tensor, lengths: Tensor) -> Tensor:
            return torch.segment_reduce(rows, "sum", lengths=lengths, unsafe=True)

        """; // TorchScript's parser wants the last line ended

    private readonly jit.CompilationUnit unit = jit.compile(Source);

    // The lists come from outside: of lists built in the script, TorchScript's optimizer takes the in-place update for dead code and drops it.

    /// <summary>One AdamW update of flat runs in a single pass; <paramref name="step"/> is a scalar tensor that counts this update already.</summary>
    public void AdamW(Tensor values, Tensor gradients, Tensor mean, Tensor variance, Tensor step, double learningRate, AdamWOptions options, double decay)
    {
        using var scalars = new HeldScalars(learningRate, options.Beta1, options.Beta2, decay, options.Eps);
        using var updated = (Tensor)unit.invoke(
            "adamw", [new[] { values }, new[] { gradients }, new[] { mean }, new[] { variance }, new[] { step }, .. scalars.Values]);
    }

    /// <summary>Sums of consecutive runs of [rows], of the given lengths: [segments]. Its order of summation is fixed on every device.</summary>
    public Tensor SegmentSums(Tensor rows, Tensor lengths) => (Tensor)unit.invoke("segment_sums", rows, lengths);

    public void Dispose() => unit.Dispose();
}
