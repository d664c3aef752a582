using Xkd.Model.Native;
using static TorchSharp.torch;

namespace Xkd.Model.Optimization;

/// <summary>
/// AdamW over the flat buffers: one pass per run of equal treatment. The projectors' last layers count their own steps: while frozen, neither their values
/// nor their moments nor their count change.
/// </summary>
internal sealed class FlatAdamW : IDisposable
{
    private readonly FlatParameters parameters;
    private readonly FlatKernels kernels;
    private readonly AdamWOptions options;

    public FlatAdamW(FlatParameters parameters, FlatKernels kernels, AdamWOptions options)
    {
        (this.parameters, this.kernels, this.options) = (parameters, kernels, options);
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

    public void Step(double learningRate, double weightDecay, bool freezeLastLayer)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        Steps.Increase(1);
        if (!freezeLastLayer)
        {
            LastLayerSteps.Increase(1);
        }

        foreach (var segment in parameters.Segments.Where(segment => !(segment.LastLayer && freezeLastLayer)))
        {
            Tensor Of(Tensor buffer) => buffer.narrow(0, segment.Offset, segment.Length);
            kernels.AdamW(Of(parameters.Values), Of(parameters.Gradients), Of(Mean), Of(Variance), segment.LastLayer ? LastLayerSteps : Steps,
                learningRate, options, segment.Decayed ? weightDecay : 0);
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
