using System.Runtime.InteropServices;
using Xkd.Model.Native;
using Xkd.Storage;
using static TorchSharp.torch;

namespace Xkd.Model.Distributed;

/// <summary>Where a tensor's values lie, on the host or on a device: TorchSharp tells it for the host only, in 2 GB at most.</summary>
internal static unsafe class TensorMemory
{
    private static readonly Lazy<nint> GetDataPointer = new(() => NativeLibrary.GetExport(
        NativeLibrary.Load(Path.Combine(LibTorch.Info.Directory, LibTorchLocator.Probe)), "aoti_torch_get_data_ptr")); // libtorch's stable C API; loaded already

    /// <summary>Address of the first value of a contiguous tensor; hold the tensor while it is used.</summary>
    public static nint Address(Tensor tensor)
    {
        if (!tensor.is_contiguous())
        {
            throw new ArgumentException($"a tensor of shape [{string.Join(", ", tensor.shape)}] and strides [{string.Join(", ", tensor.stride())}] is not contiguous", nameof(tensor));
        }

        void* address;
        return ((delegate* unmanaged<nint, void**, int>)GetDataPointer.Value)(tensor.Handle, &address) == 0
            ? (nint)address
            : throw new FailureException($"libtorch {LibTorch.Info.Version} does not tell where a tensor of {tensor.dtype} on {tensor.device} lies");
    }

    /// <summary>Bytes of all values.</summary>
    public static long Bytes(Tensor tensor) => tensor.numel() * tensor.element_size();
}
