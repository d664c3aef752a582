using System.Runtime.InteropServices;
using TorchSharp;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Torch;

/// <summary>
/// bfloat16 by libtorch's own autocast, which TorchSharp has no method for: matrix products compute in bfloat16, norms, softmaxes and losses in
/// float32, and parameters and their gradients stay float32. It holds for the thread that enters it, until the scope is disposed of.
/// </summary>
internal sealed unsafe class Autocast
{
    [ThreadStatic]
    private static Autocast? _entered;

    private readonly sbyte _device;
    private readonly delegate* unmanaged<sbyte, byte> _isEnabled;
    private readonly delegate* unmanaged<sbyte, byte, void> _setEnabled;
    private readonly delegate* unmanaged<sbyte, sbyte> _getDtype;
    private readonly delegate* unmanaged<sbyte, sbyte, void> _setDtype;
    private readonly delegate* unmanaged<int> _increment;
    private readonly delegate* unmanaged<int> _decrement;
    private readonly delegate* unmanaged<void> _clearCache;

    /// <exception cref="UsageException">This libtorch exports autocast under other names.</exception>
    public Autocast(DeviceType device)
    {
        _device = (sbyte)device;
        var library = NativeLibrary.Load(Path.Combine(LibTorch.Info.Directory, LibTorchLocator.Probe)); // loaded already: the same handle
        _isEnabled = (delegate* unmanaged<sbyte, byte>)Export(library, "_ZN2at8autocast19is_autocast_enabledEN3c1010DeviceTypeE");
        _setEnabled = (delegate* unmanaged<sbyte, byte, void>)Export(library, "_ZN2at8autocast20set_autocast_enabledEN3c1010DeviceTypeEb");
        _getDtype = (delegate* unmanaged<sbyte, sbyte>)Export(library, "_ZN2at8autocast18get_autocast_dtypeEN3c1010DeviceTypeE");
        _setDtype = (delegate* unmanaged<sbyte, sbyte, void>)Export(library, "_ZN2at8autocast18set_autocast_dtypeEN3c1010DeviceTypeENS1_10ScalarTypeE");
        _increment = (delegate* unmanaged<int>)Export(library, "_ZN2at8autocast17increment_nestingEv");
        _decrement = (delegate* unmanaged<int>)Export(library, "_ZN2at8autocast17decrement_nestingEv");
        _clearCache = (delegate* unmanaged<void>)Export(library, "_ZN2at8autocast11clear_cacheEv");
    }

    /// <summary>Whether the calling thread's products are computed in bfloat16: it is within a scope, and not paused.</summary>
    public static bool Lowers => _entered is { } entered && entered.IsEntered;

    /// <summary>Whether the calling thread is within a scope.</summary>
    public bool IsEntered => _isEnabled(_device) != 0;

    /// <summary>Casts from here on; the scope must be disposed of on the same thread, so nothing within it may await.</summary>
    public IDisposable Enter()
    {
        var scope = Switch(enabled: 1);
        _entered = this;
        return scope;
    }

    /// <summary>Computes in the tensors' own types within a scope that casts, for what is small and would lose by it; null where this thread casts nothing.</summary>
    public static IDisposable? Pause() => _entered?.Switch(enabled: 0);

    private Scope Switch(byte enabled)
    {
        var scope = new Scope(this, _isEnabled(_device), _getDtype(_device), _entered);
        _setEnabled(_device, enabled);
        _setDtype(_device, (sbyte)ScalarType.BFloat16);
        _increment();
        return scope;
    }

    private void Leave(byte enabled, sbyte dtype, Autocast? outer)
    {
        _entered = outer;
        // The last one out lets go of the weights' casts: the next step has other weights.
        if (_decrement() == 0)
        {
            _clearCache();
        }

        _setEnabled(_device, enabled);
        _setDtype(_device, dtype);
    }

    private static nint Export(nint library, string name) => NativeLibrary.TryGetExport(library, name, out var function)
        ? function
        : throw new UsageException($"libtorch {LibTorch.Info.Version} in {LibTorch.Info.Directory} has no {name}, which bfloat16 needs: "
            + "write train.precision=float32, or name a libtorch 2.10 with --libtorch");

    private sealed class Scope(Autocast autocast, byte enabled, sbyte dtype, Autocast? outer) : IDisposable
    {
        public void Dispose() => autocast.Leave(enabled, dtype, outer);
    }
}
