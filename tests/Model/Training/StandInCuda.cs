using System.Runtime.InteropServices;
using Xkd.Model.Torch;

namespace Xkd.Model.Tests.Training;

/// <summary>
/// The functions of CUDA's driver that copies take, where the "device" is the host's memory. Copies are made as late as the calls allow: when kernels or the host
/// wait for an event behind them. What was called is kept in order. For one thread.
/// </summary>
internal sealed unsafe class StandInCuda
{
    private const nint Copies = 100, Kernels = 200;

    [ThreadStatic]
    private static StandInCuda? current;

    private readonly Queue<(nint Event, nint To, nint From, nuint Bytes)> _pending = [];
    private readonly List<string> _functions = [];
    private int _events;

    public StandInCuda() => current = this;

    /// <summary>What was asked of the driver, in order.</summary>
    public List<string> Calls { get; } = [];

    /// <summary>Bytes of each page-locked array, by address.</summary>
    public Dictionary<nint, long> Locked { get; } = [];

    /// <summary>What locking pages gives.</summary>
    public int LockResult { get; init; }

    /// <summary>What launching a kernel gives.</summary>
    public int LaunchResult { get; init; }

    /// <summary>What beginning a copy gives.</summary>
    public int CopyResult { get; init; }

    /// <summary>A copy stream of this driver; of libtorch the function that tells where a tensor lies is the real one.</summary>
    public CopyStream Open() => new(3, Export);

    /// <summary>Addresses of its functions.</summary>
    public static nint Export(string name) => name switch
    {
        "cuInit" => (nint)(delegate* unmanaged<uint, int>)&Init,
        "cuDevicePrimaryCtxRetain" => (nint)(delegate* unmanaged<nint*, int, int>)&Context,
        "cuCtxSetCurrent" => (nint)(delegate* unmanaged<nint, int>)&SetContext,
        "cuStreamCreate" => (nint)(delegate* unmanaged<nint*, uint, int>)&CreateStream,
        "cuStreamSynchronize" or "cuStreamDestroy_v2" => (nint)(delegate* unmanaged<nint, int>)&EndStream,
        "cuMemHostRegister_v2" => (nint)(delegate* unmanaged<nint, nuint, uint, int>)&Register,
        "cuMemHostUnregister" => (nint)(delegate* unmanaged<nint, int>)&Unregister,
        "cuMemcpyHtoDAsync_v2" => (nint)(delegate* unmanaged<nint, nint, nuint, nint, int>)&Copy,
        "cuEventCreate" => (nint)(delegate* unmanaged<nint*, uint, int>)&CreateEvent,
        "cuEventRecord" => (nint)(delegate* unmanaged<nint, nint, int>)&Record,
        "cuEventSynchronize" => (nint)(delegate* unmanaged<nint, int>)&Synchronize,
        "cuStreamWaitEvent" => (nint)(delegate* unmanaged<nint, nint, uint, int>)&Wait,
        "cuEventDestroy_v2" => (nint)(delegate* unmanaged<nint, int>)&Destroy,
        "aoti_torch_get_current_cuda_stream" => (nint)(delegate* unmanaged<int, nint*, int>)&CurrentStream,
        "cuDeviceGetAttribute" => (nint)(delegate* unmanaged<int*, int, int, int>)&Attribute,
        "cuModuleLoadData" => (nint)(delegate* unmanaged<nint*, byte*, int>)&LoadModule,
        "cuModuleGetFunction" => (nint)(delegate* unmanaged<nint*, nint, byte*, int>)&Function,
        "cuLaunchKernel" => (nint)(delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, nint**, nint, int>)&Launch,
        _ => NativeLibrary.GetExport(NativeLibrary.Load(Path.Combine(LibTorch.Info.Directory, LibTorchLocator.Probe)), name),
    };

    [UnmanagedCallersOnly]
    private static int Init(uint flags) => (int)flags;

    [UnmanagedCallersOnly]
    private static int Context(nint* context, int device) => (int)(*context = device) - 3;

    [UnmanagedCallersOnly]
    private static int SetContext(nint context) => (int)context - 3;

    [UnmanagedCallersOnly]
    private static int CreateStream(nint* stream, uint flags)
    {
        *stream = Copies;
        return flags == 1 ? 0 : 1;
    }

    [UnmanagedCallersOnly]
    private static int CurrentStream(int device, nint* stream)
    {
        *stream = Kernels;
        return device - 3;
    }

    [UnmanagedCallersOnly]
    private static int EndStream(nint stream)
    {
        current!.Run(until: 0);
        return stream == Copies ? 0 : 1;
    }

    [UnmanagedCallersOnly]
    private static int Register(nint address, nuint bytes, uint flags)
    {
        if (current!.LockResult == 0)
        {
            current!.Locked.Add(address, (long)bytes);
        }

        return current!.LockResult;
    }

    [UnmanagedCallersOnly]
    private static int Unregister(nint address) => current!.Locked.Remove(address) ? 0 : 1;

    [UnmanagedCallersOnly]
    private static int Copy(nint to, nint from, nuint bytes, nint stream)
    {
        current!.Calls.Add("copy");
        current!._pending.Enqueue((0, to, from, bytes));
        return stream == Copies ? current!.CopyResult : 1;
    }

    [UnmanagedCallersOnly]
    private static int CreateEvent(nint* made, uint flags)
    {
        *made = ++current!._events;
        return flags == 2 ? 0 : 1;
    }

    [UnmanagedCallersOnly]
    private static int Record(nint made, nint stream)
    {
        current!.Calls.Add($"{(stream == Copies ? "copies" : "kernels")} record {made}");
        if (stream == Copies)
        {
            current!._pending.Enqueue((made, 0, 0, 0));
        }

        return 0;
    }

    [UnmanagedCallersOnly]
    private static int Wait(nint stream, nint made, uint flags)
    {
        current!.Calls.Add($"{(stream == Copies ? "copies" : "kernels")} await {made}");
        if (stream == Kernels)
        {
            current!.Run(made);
        }

        return (int)flags;
    }

    [UnmanagedCallersOnly]
    private static int Synchronize(nint made)
    {
        current!.Calls.Add($"host awaits {made}");
        current!.Run(made);
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int Destroy(nint made) => 0;

    // Ten multiprocessors of capability 9.0, as CUdevice_attribute numbers them.
    [UnmanagedCallersOnly]
    private static int Attribute(int* value, int which, int device)
    {
        *value = which switch { 16 => 10, 75 => 9, _ => 0 };
        return device - 3;
    }

    [UnmanagedCallersOnly]
    private static int LoadModule(nint* module, byte* code)
    {
        *module = *code;
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int Function(nint* function, nint module, byte* name)
    {
        current!._functions.Add(Marshal.PtrToStringUTF8((nint)name)!);
        *function = current!._functions.Count - 1;
        return module == 'M' ? 0 : 1;
    }

    [UnmanagedCallersOnly]
    private static int Launch(nint function, uint x, uint y, uint z, uint threads, uint threadsY, uint threadsZ, uint shared, nint stream, nint** arguments, nint extra)
    {
        current!.Calls.Add($"{current!._functions[(int)function]} {x}x{y}x{z} of {threads}x{threadsY}x{threadsZ}, {shared} bytes, on {stream}: {*arguments[0]} {*arguments[1]}");
        return current!.LaunchResult;
    }

    private void Run(nint until)
    {
        while (until == 0 ? _pending.Count > 0 : _pending.Any(p => p.Event == until))
        {
            var (_, to, from, bytes) = _pending.Dequeue();
            Buffer.MemoryCopy((void*)from, (void*)to, bytes, bytes);
        }
    }
}
