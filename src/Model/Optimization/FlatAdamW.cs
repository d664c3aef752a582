using static TorchSharp.torch;

namespace Xkd.Model.Optimization;

/// <summary>AdamW over the flat buffers: one pass per run of equal treatment.</summary>
internal sealed class FlatAdamW(FlatParameters parameters, AdamWState state, FlatKernels kernels, AdamWOptions options)
{
    public void Step(double learningRate, double weightDecay, bool freezeLastLayer)
    {
        using var scope = NewDisposeScope();
        state.Advance(freezeLastLayer);
        foreach (var segment in parameters.Segments.Where(segment => !(segment.LastLayer && freezeLastLayer)))
        {
            Tensor Of(Tensor buffer) => buffer.narrow(0, segment.Offset, segment.Length);
            kernels.AdamW(Of(parameters.Values), Of(parameters.Gradients), Of(state.Mean), Of(state.Variance), segment.LastLayer ? state.LastLayerSteps : state.Steps,
                learningRate, options, segment.Decayed ? weightDecay : 0);
        }
    }
}
