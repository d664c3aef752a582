using Xkd.Model.Torch;
using static TorchSharp.torch;

namespace Xkd.Model.Method;

/// <summary>
/// The values of a model's parameters in bfloat16, for its products: one copy a buffer and step, where autocast makes one a tensor. The heads compute in float32
/// and have none.
/// </summary>
internal sealed class LowWeights : IDisposable
{
    private readonly List<(Tensor Values, Tensor Low)> _buffers;
    private readonly List<Linear> _layers = [];

    /// <param name="model">Its parameters lie in the buffers.</param>
    /// <param name="buffers">Flat ones, float32.</param>
    public LowWeights(XkdModel model, IEnumerable<Tensor> buffers)
    {
        _buffers = [.. buffers.Select(static values => (values, values.to(ScalarType.BFloat16).DetachFromDisposeScope()))];
        foreach (var layer in model.modules().OfType<Linear>().Except(model.modules().OfType<Projector>().SelectMany(static head => head.modules().OfType<Linear>())))
        {
            foreach (var (values, low) in _buffers)
            {
                var offset = (TensorMemory.Address(layer.Weight) - TensorMemory.Address(values)) / sizeof(float);
                if (offset >= 0 && offset < values.numel())
                {
                    using var scope = NewDisposeScope();
                    layer.Low = low.narrow(0, offset, layer.Weight.numel()).view(layer.Weight.shape).DetachFromDisposeScope();
                    _layers.Add(layer);
                }
            }
        }
    }

    /// <summary>Rounds the values as they are now.</summary>
    public void Refresh()
    {
        using var unrecorded = no_grad();
        foreach (var (values, low) in _buffers)
        {
            low.copy_(values);
        }
    }

    public void Dispose()
    {
        foreach (var layer in _layers)
        {
            layer.Low?.Dispose();
            layer.Low = null;
        }

        _buffers.ForEach(static pair => pair.Low.Dispose());
    }
}
