using Xkd.Model.Native;
using static TorchSharp.torch;

namespace Xkd.Model.Optimization;

/// <summary>
/// Clipping per parameter: each gradient is scaled by clip / (norm + 1e-6) where that is below 1 (reference behaviour). It works on a whole range at once
/// and never waits for the device: rows of <see cref="FlatParameters.RowLength"/> values are reduced, then the rows of each parameter.
/// </summary>
internal sealed class GradientClip : IDisposable
{
    private const double Eps = 1e-6;

    private readonly FlatKernels kernels;
    private readonly Tensor rows;
    private readonly Tensor lengths;
    private readonly Tensor parameterOfRow;

    public GradientClip(FlatParameters parameters, FlatRange range, FlatKernels kernels)
    {
        this.kernels = kernels;
        Slots = parameters.Slots.Where(slot => range.Holds(slot.Offset)).ToList();
        using var scope = NewDisposeScope();
        var device = parameters.Values.device;
        rows = parameters.Gradients.narrow(0, range.Offset, range.Length).view(-1, FlatParameters.RowLength).DetachFromDisposeScope(); // [R, 64]
        lengths = tensor(Slots.Select(slot => slot.Rows).ToArray(), device: device).DetachFromDisposeScope(); // [P]
        parameterOfRow = ScalarMath.Indices(Slots.Count, device).repeat_interleave(lengths).DetachFromDisposeScope(); // [R]
    }

    /// <summary>The parameters of the range, in the order of the norms.</summary>
    public IReadOnlyList<FlatSlot> Slots { get; }

    /// <summary>Scales the gradients of the range in place; gives their norms before [P], on the device.</summary>
    public Tensor Apply(double clip)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        var norms = kernels.SegmentSums(linalg.vector_norm(rows, ord: 2, dims: [1L], keepdim: false).square(), lengths).sqrt(); // [R] -> [P]
        var coefficients = norms.Plus(Eps).Under(clip).ClampAbove(1); // [P]
        rows.mul_(coefficients.index_select(0, parameterOfRow).unsqueeze(1)); // [R, 1]
        return scope.MoveToOuter(norms);
    }

    public void Dispose()
    {
        rows.Dispose();
        lengths.Dispose();
        parameterOfRow.Dispose();
    }
}
