using System.Runtime.InteropServices;

namespace Xkd.Model.Native;

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
        if (NativeLibrary.TryLoad("libcuda.so.1", out nint driver)
            && NativeLibrary.TryGetExport(driver, "cuMemHostRegister_v2", out nint register)
            && NativeLibrary.TryGetExport(driver, "cuMemHostUnregister", out nint unregister))
        {
            _register = (delegate* unmanaged<void*, nuint, uint, int>)register;
            _unregister = (delegate* unmanaged<void*, int>)unregister;
        }
    }

    /// <summary>Arrays whose pages are locked.</summary>
    public int Count => _locked.Count;

    /// <summary>Locks an array's pages, once; needs a CUDA context on this thread, which any earlier CUDA call has made.</summary>
    public void Lock(Array array)
    {
        if (_register is null || array.Length == 0 || _locked.ContainsKey(array))
        {
            return;
        }

        GCHandle handle = GCHandle.Alloc(array, GCHandleType.Pinned);
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
        foreach (GCHandle handle in _locked.Values)
        {
            _ = _unregister((void*)handle.AddrOfPinnedObject()); // the process's end would do it, too
            handle.Free();
        }

        _locked.Clear();
    }
}
