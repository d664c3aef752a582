using Xkd.Model.Native;
using static TorchSharp.torch;

namespace Xkd.Model.Optimization;

/// <summary>
/// What AdamW remembers, in buffers parallel to the flat parameters. The projectors' last layers count their own steps: while frozen, neither their values
/// nor their moments nor their count change.
/// </summary>
internal sealed class AdamWState : IDisposable
{
    public AdamWState(FlatParameters parameters)
    {
        Mean = zeros_like(parameters.Values).DetachFromDisposeScope();
        Variance = zeros_like(parameters.Values).DetachFromDisposeScope();
        Steps = zeros([], device: parameters.Values.device).DetachFromDisposeScope();
        LastLayerSteps = zeros([], device: parameters.Values.device).DetachFromDisposeScope();
    }

    /// <summary>Running means of the gradients [total].</summary>
    public Tensor Mean { get; }

    /// <summary>Running means of the squared gradients [total].</summary>
    public Tensor Variance { get; }

    /// <summary>Updates so far, a scalar.</summary>
    public Tensor Steps { get; }

    /// <summary>Updates of the projectors' last layers so far, a scalar.</summary>
    public Tensor LastLayerSteps { get; }

    /// <summary>Counts an update.</summary>
    public void Advance(bool freezeLastLayer)
    {
        Steps.Increase(1);
        if (!freezeLastLayer)
        {
            LastLayerSteps.Increase(1);
        }
    }

    public void Dispose()
    {
        Mean.Dispose();
        Variance.Dispose();
        Steps.Dispose();
        LastLayerSteps.Dispose();
    }
}
