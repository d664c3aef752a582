using System.Runtime.InteropServices;
using Xkd.Model.Native;
using static TorchSharp.torch;

namespace Xkd.Model.Augment;

/// <summary>
/// Host memory as tensors on a device, by one copy each: to a GPU straight from where it lies, from page-locked memory where the driver
/// gives it. The copy is over when the call returns, so that the memory may be used again. On the CPU it is copied, too: libtorch's
/// kernels sum in another order where memory is not aligned as its own is, and a resumed run would differ in the last bit.
/// </summary>
internal sealed class HostTensors(Device device) : IDisposable
{
    private readonly PageLocks? _locks = device.type == TorchSharp.DeviceType.CUDA ? new PageLocks() : null;

    public Device Device => device;

    /// <summary>The first values of <paramref name="data"/>, an array of numbers of <paramref name="type"/>, as a tensor of <paramref name="shape"/>.</summary>
    public Tensor Of(Array data, ScalarType type, params long[] shape)
    {
        if (_locks is null)
        {
            Tensor own = empty(shape, type);
            MemoryMarshal.CreateReadOnlySpan(ref MemoryMarshal.GetArrayDataReference(data), own.bytes.Length).CopyTo(own.bytes);
            return own;
        }

        _locks.Lock(data);
        using Tensor shared = frombuffer(data, type, count: shape.Aggregate(1L, (a, b) => a * b));
        using Tensor shaped = shared.view(shape);
        return shaped.to(device);
    }

    public void Dispose() => _locks?.Dispose();
}
