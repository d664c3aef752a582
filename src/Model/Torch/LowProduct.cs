using static TorchSharp.torch;

namespace Xkd.Model.Torch;

/// <summary>
/// A product with a weight of which there is a bfloat16 copy: autocast would make one for each tensor and step, carry the gradient back through it, and add the
/// gradients of several products in bfloat16. Here each goes to the float32 gradient in one pass.
/// </summary>
internal static class LowProduct
{
    /// <summary>x · weightᵀ + bias in bfloat16, [.., inputs] to [.., outputs].</summary>
    /// <param name="x">[.., inputs]; rounded where it is not bfloat16.</param>
    /// <param name="weight">[outputs, inputs], float32: what the gradient is of. Where it has one already, that is added to.</param>
    /// <param name="low">The same in bfloat16.</param>
    /// <param name="bias">[outputs], or null.</param>
    public static Tensor Of(Tensor x, Tensor weight, Tensor low, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        Tensor[] inputs = bias is null ? [x, weight] : [x, weight, bias];
        var (wanted, trained) = (x.requires_grad, weight.requires_grad);
        Tensor given, product;
        using (no_grad())
        {
            given = x.to(ScalarType.BFloat16);
            product = nn.functional.linear(given, low, bias?.to(ScalarType.BFloat16));
        }

        return scope.MoveToOuter(KernelNode.Record(inputs, [product], [given, low], (gradients, saved) =>
        {
            var dproduct = gradients[0]?.to(ScalarType.BFloat16) ?? throw new InvalidOperationException("a product without a gradient was asked for one");
            var rows = dproduct.reshape(-1, low.shape[0]); // [rows, outputs]
            var dx = wanted ? dproduct.matmul(saved[1]) : null;
            Tensor? dweight = null;
            if (trained)
            {
                var found = rows.t().matmul(saved[0].reshape(-1, saved[1].shape[1])); // [outputs, inputs]
                dweight = weight.grad is { } sum ? Added(sum, found) : found.to(ScalarType.Float32);
            }

            return bias is null ? [dx, dweight] : [dx, dweight, rows.sum([0L], type: ScalarType.Float32)];
        })[0]);
    }

    private static Tensor? Added(Tensor sum, Tensor found)
    {
        sum.AddInPlace(found);
        return null;
    }
}
