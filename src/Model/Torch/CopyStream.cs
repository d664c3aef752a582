using System.Runtime.InteropServices;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Torch;

/// <summary>
/// Copies host memory to a GPU beside its kernels, on a stream of the CUDA driver's own. Arrays are page-locked when first seen, so that the device reads
/// them directly, and stay so until it is disposed. One thread uses it.
/// </summary>
/// <remarks>
/// TorchSharp has neither streams nor events. The driver's functions and two of libtorch's stable C interface are all it takes. <see cref="Event"/>s order the
/// two streams: a copy waits for the kernels that read its place last, kernels wait for the copy.
/// </remarks>
internal sealed unsafe class CopyStream : IDisposable
{
    private const uint Portable = 1, NonBlocking = 1, NoTiming = 2;

    private readonly Dictionary<Array, GCHandle> _locked = new(ReferenceEqualityComparer.Instance);
    private readonly int _device;
    private readonly delegate* unmanaged<void*, nuint, uint, int> _register;
    private readonly delegate* unmanaged<void*, int> _unregister;
    private readonly delegate* unmanaged<nint, void*, nuint, nint, int> _copy;
    private readonly delegate* unmanaged<nint*, uint, int> _createEvent;
    private readonly delegate* unmanaged<nint, nint, int> _record;
    private readonly delegate* unmanaged<nint, int> _synchronize, _synchronizeStream;
    private readonly delegate* unmanaged<nint, nint, uint, int> _wait;
    private readonly delegate* unmanaged<nint, int> _destroyEvent, _destroyStream;
    private readonly delegate* unmanaged<int, nint*, int> _compute;
    private readonly delegate* unmanaged<nint, nint*, int> _address;
    private readonly nint _stream;

    /// <param name="device">Number of the GPU; its context becomes the calling thread's, as libtorch makes it.</param>
    /// <param name="export">Address of a function of libcuda.so.1 or libtorch.</param>
    internal CopyStream(int device, Func<string, nint> export)
    {
        _device = device;
        _register = (delegate* unmanaged<void*, nuint, uint, int>)export("cuMemHostRegister_v2");
        _unregister = (delegate* unmanaged<void*, int>)export("cuMemHostUnregister");
        _copy = (delegate* unmanaged<nint, void*, nuint, nint, int>)export("cuMemcpyHtoDAsync_v2");
        _createEvent = (delegate* unmanaged<nint*, uint, int>)export("cuEventCreate");
        _record = (delegate* unmanaged<nint, nint, int>)export("cuEventRecord");
        _synchronize = (delegate* unmanaged<nint, int>)export("cuEventSynchronize");
        _synchronizeStream = (delegate* unmanaged<nint, int>)export("cuStreamSynchronize");
        _wait = (delegate* unmanaged<nint, nint, uint, int>)export("cuStreamWaitEvent");
        _destroyEvent = (delegate* unmanaged<nint, int>)export("cuEventDestroy_v2");
        _destroyStream = (delegate* unmanaged<nint, int>)export("cuStreamDestroy_v2");
        _compute = (delegate* unmanaged<int, nint*, int>)export("aoti_torch_get_current_cuda_stream");
        _address = (delegate* unmanaged<nint, nint*, int>)export("aoti_torch_get_data_ptr");
        nint context, stream;
        Require(((delegate* unmanaged<uint, int>)export("cuInit"))(0), "cuInit"); // once more does nothing
        Require(((delegate* unmanaged<nint*, int, int>)export("cuDevicePrimaryCtxRetain"))(&context, device), "cuDevicePrimaryCtxRetain");
        Require(((delegate* unmanaged<nint, int>)export("cuCtxSetCurrent"))(context), "cuCtxSetCurrent");
        Require(((delegate* unmanaged<nint*, uint, int>)export("cuStreamCreate"))(&stream, NonBlocking), "cuStreamCreate");
        _stream = stream;
    }

    /// <summary>Bytes that the driver refused to lock: their copies go through a buffer of the driver's, which takes several times as long.</summary>
    public long Refused { get; private set; }

    /// <summary>What the driver gave as the reason of the last refusal: a CUresult.</summary>
    public int RefusedBy { get; private set; }

    /// <summary>One for a GPU of this machine.</summary>
    /// <exception cref="UsageException">The driver or libtorch lacks a function.</exception>
    public static CopyStream Open(int device) => new(device, CudaDriver.Function);

    /// <summary>Begins to copy the first bytes of an array over a tensor on the device. Leave the array alone until an event recorded later has passed.</summary>
    public void Copy(Array from, Tensor to)
    {
        nint address;
        Require(_address(to.Handle, &address), "aoti_torch_get_data_ptr");
        Require(_copy(address, Locked(from), (nuint)(to.numel() * to.element_size()), _stream), "cuMemcpyHtoDAsync_v2");
    }

    /// <summary>A new event, which has passed as long as it was not recorded.</summary>
    public nint Event()
    {
        nint made;
        Require(_createEvent(&made, NoTiming), "cuEventCreate");
        return made;
    }

    /// <summary>The event passes when all copies begun so far are over; the kernels that are launched from now on wait for it.</summary>
    public void Copied(nint copied)
    {
        Require(_record(copied, _stream), "cuEventRecord");
        Require(_wait(Compute(), copied, 0), "cuStreamWaitEvent");
    }

    /// <summary>The event passes when all kernels launched so far are over; the copies that are begun after <see cref="Await"/> wait for it.</summary>
    public void Used(nint used) => Require(_record(used, Compute()), "cuEventRecord");

    /// <summary>Copies wait for the event from now on.</summary>
    public void Await(nint passed) => Require(_wait(_stream, passed, 0), "cuStreamWaitEvent");

    /// <summary>The calling thread waits for an event.</summary>
    public void Wait(nint passed) => Require(_synchronize(passed), "cuEventSynchronize");

    /// <summary>The calling thread waits for all copies, also where the device has failed: nothing reads the host's memory afterwards.</summary>
    public void Finish() => _ = _synchronizeStream(_stream);

    public void Destroy(nint made) => _ = _destroyEvent(made);

    public void Dispose()
    {
        _ = _destroyStream(_stream); // lets what is under way end
        foreach (var handle in _locked.Values)
        {
            _ = _unregister((void*)handle.AddrOfPinnedObject()); // the process's end would do it, too
            handle.Free();
        }

        _locked.Clear();
    }

    private nint Compute()
    {
        nint stream;
        Require(_compute(_device, &stream), "aoti_torch_get_current_cuda_stream");
        return stream;
    }

    // Pinned for the garbage collector in any case; refused by the driver it is copied all the same.
    private void* Locked(Array array)
    {
        if (!_locked.TryGetValue(array, out var handle))
        {
            handle = GCHandle.Alloc(array, GCHandleType.Pinned);
            var bytes = (nuint)array.LongLength * (nuint)Marshal.SizeOf(array.GetType().GetElementType()!);
            if (_register((void*)handle.AddrOfPinnedObject(), bytes, Portable) is not 0 and var reason)
            {
                (Refused, RefusedBy) = (Refused + (long)bytes, reason);
            }

            _locked.Add(array, handle);
        }

        return (void*)handle.AddrOfPinnedObject();
    }

    private static void Require(int result, string function)
    {
        if (result != 0)
        {
            throw new FailureException($"{function} failed with {result}: the GPU or its driver refused a copy; see the driver's log (dmesg), and xkd doctor");
        }
    }
}
