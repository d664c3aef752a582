using System.Runtime.InteropServices;
using Xkd.Pipeline;
using static TorchSharp.torch;

namespace Xkd.Model.Training;

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
            return Copy(data, type, shape);
        }

        _locks.Lock(data);
        using var shared = frombuffer(data, type, count: shape.Aggregate(1L, (a, b) => a * b));
        using var shaped = shared.view(shape);
        return shaped.to(device);
    }

    /// <summary>The first rows of a view on a device, by an ordinary copy.</summary>
    public static Tensor Rows(HostView view, long rows, Device device)
    {
        using var scope = NewDisposeScope();
        return Copy(view.Data, ScalarType.Float32, [rows, .. view.Shape[1..]]).to(device).MoveToOuterDisposeScope();
    }

    public void Dispose() => _locks?.Dispose();

    private static Tensor Copy(Array data, ScalarType type, long[] shape)
    {
        var own = empty(shape, type);
        MemoryMarshal.CreateReadOnlySpan(ref MemoryMarshal.GetArrayDataReference(data), own.bytes.Length).CopyTo(own.bytes);
        return own;
    }
}

/// <summary>
/// Pins pages of managed arrays for the CUDA driver, so that a copy to a device reads them directly instead of through a staging
/// buffer. Where there is no driver, or it refuses, copies are as they were: slower. Not thread-safe; arrays stay alive until it is disposed.
/// </summary>
internal sealed unsafe class PageLocks : IDisposable
{
    private const int Success = 0;
    private readonly Dictionary<Array, GCHandle> _locked = new(ReferenceEqualityComparer.Instance);
    private readonly delegate* unmanaged<void*, nuint, uint, int> _register;
    private readonly delegate* unmanaged<void*, int> _unregister;

    public PageLocks()
    {
        if (NativeLibrary.TryLoad("libcuda.so.1", out var driver)
            && NativeLibrary.TryGetExport(driver, "cuMemHostRegister_v2", out var register)
            && NativeLibrary.TryGetExport(driver, "cuMemHostUnregister", out var unregister))
        {
            _register = (delegate* unmanaged<void*, nuint, uint, int>)register;
            _unregister = (delegate* unmanaged<void*, int>)unregister;
        }
    }

    /// <summary>Locks an array's pages, once; needs a CUDA context on this thread, which any earlier CUDA call has made.</summary>
    public void Lock(Array array)
    {
        if (_register is null || array.Length == 0 || _locked.ContainsKey(array))
        {
            return;
        }

        var handle = GCHandle.Alloc(array, GCHandleType.Pinned);
        if (_register((void*)handle.AddrOfPinnedObject(), (nuint)Buffer.ByteLength(array), 0) == Success)
        {
            _locked.Add(array, handle);
        }
        else
        {
            handle.Free();
        }
    }

    public void Dispose()
    {
        foreach (var handle in _locked.Values)
        {
            _ = _unregister((void*)handle.AddrOfPinnedObject()); // the process's end would do it, too
            handle.Free();
        }

        _locked.Clear();
    }
}
